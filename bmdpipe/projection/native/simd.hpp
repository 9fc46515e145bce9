// Eight lanes. The portable form is left to the compiler's own vectors; AVX2 adds the in-register
// permutes that no compiler finds by itself. Only included inside an anonymous namespace.

typedef float F8 __attribute__((vector_size(32)));
typedef int32_t I8 __attribute__((vector_size(32)));
#define INLINE static inline __attribute__((always_inline))

INLINE F8 all(float x) { return F8{x, x, x, x, x, x, x, x}; }
INLINE I8 all(int32_t x) { return I8{x, x, x, x, x, x, x, x}; }
INLINE F8 load(const float *p) {
    F8 r;
    __builtin_memcpy(&r, p, sizeof r);
    return r;
}
INLINE void store(float *p, F8 x) { __builtin_memcpy(p, &x, sizeof x); }
INLINE F8 select(I8 mask, F8 yes, F8 no) { return (F8)((mask & (I8)yes) | (~mask & (I8)no)); }
INLINE I8 select(I8 mask, I8 yes, I8 no) { return (mask & yes) | (~mask & no); }

#ifdef BMD_AVX2
INLINE F8 fma(F8 a, F8 b, F8 c) { return (F8)_mm256_fmadd_ps((__m256)a, (__m256)b, (__m256)c); }
INLINE F8 floor8(F8 x) { return (F8)_mm256_floor_ps((__m256)x); }
INLINE I8 ints(F8 x) { return (I8)_mm256_cvttps_epi32((__m256)x); }
INLINE F8 floats(I8 x) { return (F8)_mm256_cvtepi32_ps((__m256i)x); }
INLINE F8 max8(F8 a, F8 b) { return (F8)_mm256_max_ps((__m256)a, (__m256)b); }
INLINE F8 min8(F8 a, F8 b) { return (F8)_mm256_min_ps((__m256)a, (__m256)b); }
INLINE F8 root(F8 x) { return (F8)_mm256_sqrt_ps((__m256)x); }
#else
INLINE F8 fma(F8 a, F8 b, F8 c) { return a * b + c; }
INLINE I8 ints(F8 x) { return __builtin_convertvector(x, I8); }
INLINE F8 floats(I8 x) { return __builtin_convertvector(x, F8); }
INLINE F8 floor8(F8 x) {
    F8 t = floats(ints(x));
    return t - select((I8)(t > x), all(1.0f), all(0.0f));
}
INLINE F8 max8(F8 a, F8 b) { return select((I8)(a > b), a, b); }
INLINE F8 min8(F8 a, F8 b) { return select((I8)(a < b), a, b); }
INLINE F8 root(F8 x) {
    F8 r;
    for (int i = 0; i < LANES; ++i) r[i] = __builtin_sqrtf(x[i]);
    return r;
}
#endif
typedef double D4 __attribute__((vector_size(32)));
typedef float F4 __attribute__((vector_size(16)));
typedef int32_t I4 __attribute__((vector_size(16)));
INLINE D4 floor4(D4 x) {
#ifdef BMD_AVX2
    return (D4)_mm256_floor_pd((__m256d)x);
#else
    for (int i = 0; i < 4; ++i) x[i] = __builtin_floor(x[i]);
    return x;
#endif
}
// One bit per lane.
INLINE unsigned bits_of(I8 mask) {
#ifdef BMD_AVX2
    return (unsigned)_mm256_movemask_ps((__m256)mask);
#else
    unsigned bits = 0;
    for (int i = 0; i < LANES; ++i) bits |= (mask[i] ? 1u : 0u) << i;
    return bits;
#endif
}
INLINE F8 abs8(F8 x) { return (F8)((I8)x & all((int32_t)0x7fffffff)); }

// How to take, for each lane, voxel number `index` of a row and the next one. Lanes 0 to 3 find both
// among the row's first eight voxels, lanes 4 to 7 among the eight from `ahead` on. Values of an int16
// store come out 65536 times too large (exactly), which spares a shift.
INLINE I8 upper_lanes(int32_t x) { return I8{0, 0, 0, 0, x, x, x, x}; }

// How much the upper of two neighbours counts, in whole parts of WHOLE: then int16 voxels mix exactly
// in integers, and float32 ones that hold the same numbers round to the same.
struct Share {
    static constexpr int32_t WHOLE = 1 << 14;
    F8 upper;
    I8 pair; // of int16: the lower's share, then the upper's
    INLINE Share of(F8 f) {
        const I8 q = ints(fma(f, all((float)WHOLE), all(0.5f)));
        return {floats(q) * all(1.0f / WHOLE), (q << 16) + (all(WHOLE) - q)};
    }
};

template <class T> struct Pick {
    static constexpr float UNIT = sizeof(T) == 2 ? 1.0f / 65536.0f : 1.0f;
    int ahead;
    I8 origin;

    INLINE Pick from(int ahead) {
#ifdef BMD_AVX2
        if (sizeof(T) == 2) // bytes of a pair: 2 * index + 0, 1, 2, 3
            return {ahead, (I8)_mm256_sub_epi8((__m256i)all((int32_t)0x03020100),
                                               (__m256i)upper_lanes(ahead * 0x02020202))};
        return {ahead, -upper_lanes(ahead)};
#else
        return {ahead, all((int32_t)0)};
#endif
    }
    inline __attribute__((always_inline)) I8 control(I8 index) const {
#ifdef BMD_AVX2
        if (sizeof(T) == 2) {
            const __m256i repeat =
                _mm256_setr_epi8(0, 0, 0, 0, 4, 4, 4, 4, 8, 8, 8, 8, 12, 12, 12, 12, 0, 0, 0, 0, 4, 4,
                                 4, 4, 8, 8, 8, 8, 12, 12, 12, 12);
            const __m256i bytes = _mm256_shuffle_epi8((__m256i)index, repeat);
            return (I8)_mm256_add_epi8(_mm256_add_epi8(bytes, bytes), (__m256i)origin);
        }
#endif
        return index + origin;
    }
    inline __attribute__((always_inline)) void pair(I8 control, const int16_t *row, F8 &low, F8 &high) const {
#ifdef BMD_AVX2
        __m256i both = _mm256_loadu2_m128i((const __m128i *)(row + ahead), (const __m128i *)row);
        I8 pairs = (I8)_mm256_shuffle_epi8(both, (__m256i)control);
        low = floats(pairs << 16);
        high = floats(pairs & all((int32_t)0xffff0000));
#else
        for (int i = 0; i < LANES; ++i) {
            low[i] = (float)row[control[i]] * 65536.0f;
            high[i] = (float)row[control[i] + 1] * 65536.0f;
        }
#endif
    }
    inline __attribute__((always_inline)) void pair(I8 control, const float *row, F8 &low, F8 &high) const {
#ifdef BMD_AVX2
        low = (F8)_mm256_permutevar8x32_ps(_mm256_loadu_ps(row), (__m256i)control);
        high = (F8)_mm256_permutevar8x32_ps(_mm256_loadu_ps(row + 1), (__m256i)control);
        if (ahead) {
            const float *far = row + ahead;
            F8 l = (F8)_mm256_permutevar8x32_ps(_mm256_loadu_ps(far), (__m256i)control);
            F8 h = (F8)_mm256_permutevar8x32_ps(_mm256_loadu_ps(far + 1), (__m256i)control);
            low = select(upper_lanes(-1), l, low);
            high = select(upper_lanes(-1), h, high);
        }
#else
        for (int i = 0; i < LANES; ++i) {
            low[i] = row[control[i]];
            high[i] = row[control[i] + 1];
        }
#endif
    }
    // Both neighbours, mixed; of an int16 store WHOLE times too large (exactly).
    inline __attribute__((always_inline)) F8 between(I8 control, const Share &share, const int16_t *row) const {
#ifdef BMD_AVX2
        __m256i both = _mm256_loadu2_m128i((const __m128i *)(row + ahead), (const __m128i *)row);
        return floats((I8)_mm256_madd_epi16(_mm256_shuffle_epi8(both, (__m256i)control), (__m256i)share.pair));
#else
        F8 low, high;
        for (int i = 0; i < LANES; ++i) {
            low[i] = (float)row[control[i]];
            high[i] = (float)row[control[i] + 1];
        }
        return fma(share.upper, high - low, low) * all((float)Share::WHOLE);
#endif
    }
    inline __attribute__((always_inline)) F8 between(I8 control, const Share &share, const float *row) const {
        F8 low, high;
        pair(control, row, low, high);
        return fma(share.upper, high - low, low);
    }
};

// Voxels anywhere: `offset` from `base` and the next, only where `mask`, zero elsewhere.
INLINE void gather_pair(const int16_t *base, I8 offset, I8 mask, F8 &low, F8 &high) {
#ifdef BMD_AVX2
    I8 pairs = (I8)_mm256_mask_i32gather_epi32(_mm256_setzero_si256(), (const int *)base,
                                               (__m256i)offset, (__m256i)mask, 2);
    low = floats(pairs << 16);
    high = floats(pairs & all((int32_t)0xffff0000));
#else
    for (int i = 0; i < LANES; ++i) {
        low[i] = mask[i] ? (float)base[offset[i]] * 65536.0f : 0.0f;
        high[i] = mask[i] ? (float)base[offset[i] + 1] * 65536.0f : 0.0f;
    }
#endif
}
INLINE void gather_pair(const float *base, I8 offset, I8 mask, F8 &low, F8 &high) {
#ifdef BMD_AVX2
    __m256 none = _mm256_setzero_ps();
    low = (F8)_mm256_mask_i32gather_ps(none, base, (__m256i)offset, (__m256)mask, 4);
    high = (F8)_mm256_mask_i32gather_ps(none, base + 1, (__m256i)offset, (__m256)mask, 4);
#else
    for (int i = 0; i < LANES; ++i) {
        low[i] = mask[i] ? base[offset[i]] : 0.0f;
        high[i] = mask[i] ? base[offset[i] + 1] : 0.0f;
    }
#endif
}
INLINE F8 gather(const int16_t *base, I8 offset, I8 mask) {
    F8 low, high;
    gather_pair(base, offset, mask, low, high);
    return low;
}
INLINE F8 gather(const float *base, I8 offset, I8 mask) {
#ifdef BMD_AVX2
    return (F8)_mm256_mask_i32gather_ps(_mm256_setzero_ps(), base, (__m256i)offset, (__m256)mask, 4);
#else
    F8 r;
    for (int i = 0; i < LANES; ++i) r[i] = mask[i] ? base[offset[i]] : 0.0f;
    return r;
#endif
}
