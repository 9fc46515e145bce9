// The same kernels for x86 with AVX2 and FMA, chosen at run time. No header of the standard library
// is compiled for AVX2: its inline functions could be linked into code for older machines.
#include "core.hpp"

#if defined(__x86_64__)
#include <immintrin.h>
#if defined(__clang__)
#pragma clang attribute push(__attribute__((target("avx2,fma"))), apply_to = function)
#else
#pragma GCC target("avx2,fma")
#endif
#define BMD_AVX2

namespace bmd {
namespace {
#include "simd.hpp"
#include "bundle.hpp"
#include "joseph.hpp"
#include "tile.hpp"
#include "siddon.hpp"
#include "factored.hpp"
#include "correlation.hpp"
} // namespace
const Kernels avx2_kernels = {joseph_strip<false>, siddon_strip, joseph_strip<true>,
                              picture_band, warp_band, background_sums, correlate};
} // namespace bmd
#if defined(__clang__)
#pragma clang attribute pop
#endif
#endif
