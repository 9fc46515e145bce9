// The kernels for any machine; the compiler's own vectors.
#include "core.hpp"

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
const Kernels portable_kernels = {joseph_strip<false>, siddon_strip, joseph_strip<true>,
                                  picture_band, warp_band, background_sums, correlate};
} // namespace bmd
