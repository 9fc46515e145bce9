// Shear-warp: all rays are drawn on a picture that lies on the slice farthest from the source. Seen
// from there each slice is a shift and a scale, so that its bilinear interpolation falls into two
// linear ones whose places and weights are the same for all rows and for all columns. The picture's
// samples are Joseph's sums; one homography brings them to the detector.
// Source: Lacroute and Levoy 1994, SIGGRAPH (the factorisation); here for line integrals.

constexpr int CHUNK = 32; // groups of eight columns that are worked on together
constexpr int ROWS = 2 * BAND + 2;
constexpr int AHEAD = 4; // slices, of what is fetched into the cache

// Where a chunk's columns stand in the voxel rows of one slice; the same rows, brought there.
struct Cut {
    alignas(32) float rows[ROWS][CHUNK * LANES];
    I8 control[CHUNK];
    Share share[CHUNK];
    int start[CHUNK];
};
alignas(32) static const float nothing[CHUNK * LANES] = {};

// Calls `work(first, last)` for every run of ones.
template <class Bits, class Work> INLINE void each_run(Bits bits, const Work &work) {
    while (bits) {
        const int first = sizeof(Bits) == 8 ? __builtin_ctzll(bits) : __builtin_ctz((uint32_t)bits);
        const Bits filled = bits + ((Bits)1 << first); // carries through the run
        const Bits rest = filled & bits;
        const Bits run = bits ^ rest;
        const int last = sizeof(Bits) == 8 ? 63 - __builtin_clzll(run) : 31 - __builtin_clz((uint32_t)run);
        work(first, last);
        bits = rest;
    }
}

template <class T>
static void picture_chunk(const Plan &p, int top, int rows, int group0, int groups, Cut &cut, float *out) {
    const Store &s = *p.store;
    const T *values = (const T *)s.values;
    const F8 ramp = {0, 1, 2, 3, 4, 5, 6, 7};
    for (int k = 0; k < s.na; ++k) {
        const double r = (k - p.sa) / (p.far - p.sa);
        const double b = p.sb + (p.ob + (double)group0 * LANES * p.step_b - p.sb) * r;
        const double c = p.sc + (p.oc + top * p.step_c - p.sc) * r;
        const double hb = p.step_b * r, hc = p.step_c * r;
        const int j0 = (int)__builtin_floor(c), j1 = (int)__builtin_floor(c + (rows - 1) * hc) + 1;
        if (j1 < 0 || j0 >= s.nc) continue;
        const int low = j0 < 0 ? 0 : j0, high = j1 < s.nc ? j1 : s.nc - 1;
        const uint64_t *bits = s.rows + k * s.rows_a;
        const double b_end = b + (groups * LANES - 1) * hb + 1;
        if (b_end <= 0 || b >= s.nb) continue;
        const uint64_t window =
            columns(s, b > 0 ? (int)b : 0, b_end < s.nb ? (int)b_end : s.nb - 1);
        uint64_t any = 0;
        for (int j = low; j <= high; ++j) any |= bits[j * s.rows_c];
        any &= window;
        if (!any) continue;
        const double per = 1.0 / (hb * LANES);
        // The groups with a column between the voxels before and behind a run.
        auto group_of = [&](int64_t voxel) __attribute__((always_inline)) {
            const int g = (int)((voxel - b) * per + 1.0) - 1;
            return g < 0 ? 0 : g >= groups ? groups - 1 : g;
        };
        const int ahead = 7 * hb < 5.999 ? 0 : (int)(4 * hb);
        const auto pick = Pick<T>::from(ahead);
        uint32_t met = 0;
        each_run(any, [&](int first, int last) {
            met |= (2u << group_of(((int64_t)last + 1) << s.shift)) -
                   (1u << group_of(((int64_t)first << s.shift) - 1));
        });
        for (uint32_t left = met; left; left &= left - 1) {
            const int g = __builtin_ctz(left);
            const double start = b + g * LANES * hb, whole = __builtin_floor(start);
            if (whole <= -2 * LANES || whole >= s.nb) { // a row has so many zeros around, not more
                met ^= 1u << g;
                continue;
            }
            const F8 q = fma(ramp, all((float)hb), all((float)(start - whole)));
            const F8 floored = floor8(q);
            cut.start[g] = (int)whole;
            cut.control[g] = pick.control(ints(floored));
            cut.share[g] = Share::of(q - floored);
        }
        struct { int first, last; } runs[CHUNK / 2];
        int n = 0;
        each_run(met, [&](int first, int last) { runs[n++] = {first, last}; });
        // Each voxel row that holds anything is brought to the picture's columns once.
        const int count = j1 - j0 + 1;
        const float *brought[ROWS + 1];
        brought[count] = nullptr; // should a rounded place lie on the last row itself
        for (int j = 0; j < count; ++j) {
            const bool held = j + j0 >= low && j + j0 <= high && (bits[(j + j0) * s.rows_c] & window);
            brought[j] = held ? cut.rows[j] : nullptr;
            if (!held) continue;
            const T *row = values + k * s.stride_a + (j + j0) * s.stride_c;
            for (int i = 0; i < n; ++i)
                for (int g = runs[i].first; g <= runs[i].last; ++g) {
                    const T *from = row + cut.start[g];
                    __builtin_prefetch(from + AHEAD * s.stride_a);
                    store(cut.rows[j] + g * LANES, pick.between(cut.control[g], cut.share[g], from));
                }
        }
        for (int y = 0; y < rows; ++y) {
            const double at = c + y * hc, whole = __builtin_floor(at);
            const int j = (int)whole - j0;
            if (!brought[j] && !brought[j + 1]) continue;
            const float w = (float)(at - whole);
            const F8 w1 = all(w), w0 = all(1.0f - w);
            const float *upper = brought[j] ? brought[j] : nothing;
            const float *lower = brought[j + 1] ? brought[j + 1] : nothing;
            float *sum = out + (int64_t)y * p.nb;
            for (int i = 0; i < n; ++i)
                for (int x = runs[i].first * LANES; x <= runs[i].last * LANES; x += LANES)
                    store(sum + x, fma(w1, load(lower + x), fma(w0, load(upper + x), load(sum + x))));
        }
    }
}

static void picture_band(const Plan &p, int band, float *picture) {
    const int top = band * BAND, rows = top + BAND < p.nc ? BAND : p.nc - top;
    float *out = picture + (int64_t)top * p.nb;
    Cut cut;
    for (int64_t i = 0; i < (int64_t)rows * p.nb; ++i) out[i] = 0.0f;
    for (int group = 0; group < p.nb / LANES; group += CHUNK) {
        const int left = p.nb / LANES - group, groups = left < CHUNK ? left : CHUNK;
        float *at = out + (int64_t)group * LANES;
        if (p.store->is_float) picture_chunk<float>(p, top, rows, group, groups, cut, at);
        else picture_chunk<int16_t>(p, top, rows, group, groups, cut, at);
    }
}

// Catmull-Rom weights of the samples at -1, 0, 1, 2 for the place f between 0 and 1.
INLINE void cubic_weights(F8 f, F8 w[4]) {
    const F8 half = all(0.5f), one = all(1.0f), two = all(2.0f), g = one - f;
    w[0] = -half * f * g * g;
    w[3] = -half * g * f * f;
    w[1] = one + f * f * (all(1.5f) * f - all(2.5f));
    w[2] = half * f * (one + f * (two * two - all(3.0f) * f));
}

// Of each lane the four by four samples from `offset` on, weighed by tb along and tc across rows.
INLINE F8 sixteen(const float *picture, int64_t pitch, I8 offset, const F8 tb[4], const F8 tc[4]) {
    alignas(32) int32_t at[LANES];
    __builtin_memcpy(at, &offset, sizeof offset);
#ifdef BMD_AVX2
    // Lanes i and i + 4 share a register; shuffles within its halves bring each half its weights.
    const __m256 low0 = _mm256_unpacklo_ps((__m256)tb[0], (__m256)tb[1]), low1 = _mm256_unpacklo_ps((__m256)tb[2], (__m256)tb[3]);
    const __m256 high0 = _mm256_unpackhi_ps((__m256)tb[0], (__m256)tb[1]), high1 = _mm256_unpackhi_ps((__m256)tb[2], (__m256)tb[3]);
    const __m256 along[4] = {_mm256_shuffle_ps(low0, low1, 0x44), _mm256_shuffle_ps(low0, low1, 0xee),
                             _mm256_shuffle_ps(high0, high1, 0x44), _mm256_shuffle_ps(high0, high1, 0xee)};
    __m256 part[4];
#define BMD_LANE(i)                                                                                  \
    {                                                                                                \
        const float *one = picture + at[i], *two = picture + at[i + 4];                              \
        F8 sum = (F8)_mm256_loadu2_m128(two, one) * (F8)_mm256_permute_ps((__m256)tc[0], 0x55 * i);   \
        for (int r = 1; r < 4; ++r)                                                                  \
            sum = fma((F8)_mm256_loadu2_m128(two + r * pitch, one + r * pitch),                      \
                      (F8)_mm256_permute_ps((__m256)tc[r], 0x55 * i), sum);                          \
        part[i] = (__m256)(sum * (F8)along[i]);                                                      \
    }
    BMD_LANE(0)
    BMD_LANE(1)
    BMD_LANE(2)
    BMD_LANE(3)
#undef BMD_LANE
    return (F8)_mm256_hadd_ps(_mm256_hadd_ps(part[0], part[1]), _mm256_hadd_ps(part[2], part[3]));
#else
    F8 result;
    for (int i = 0; i < LANES; ++i) {
        F4 rows = {0, 0, 0, 0};
        for (int r = 0; r < 4; ++r) {
            F4 taps;
            __builtin_memcpy(&taps, picture + at[i] + r * pitch, sizeof taps);
            rows += taps * tc[r][i];
        }
        result[i] = tb[0][i] * rows[0] + tb[1][i] * rows[1] + (tb[2][i] * rows[2] + tb[3][i] * rows[3]);
    }
    return result;
#endif
}

// Rows [band * BAND, ...) of the image, taken from the picture.
static void warp_band(const Plan &p, int band, const float *picture) {
    const View &w = *p.view;
    const Store &s = *p.store;
    const float unit = s.is_float ? 1.0f : 1.0f / Share::WHOLE;
    const double *ma = w.m + 4 * s.axis_a, *mb = w.m + 4 * s.axis_b, *mc = w.m + 4 * s.axis_c;
    const double reach = p.far - p.sa;
    const int top = p.rect.top + band * BAND;
    const int bottom = top + BAND < p.rect.bottom ? top + BAND : p.rect.bottom;
    const F8 ramp = {0, 1, 2, 3, 4, 5, 6, 7};
    for (int v = top; v < bottom; ++v) {
        const double y = (v - w.cv) * w.sv;
        const double a0 = ma[1] * y + ma[2] * w.sdd, b0 = mb[1] * y + mb[2] * w.sdd;
        const double c0 = mc[1] * y + mc[2] * w.sdd, far2 = y * y + w.sdd * w.sdd;
        float *image = p.image + (int64_t)v * p.width;
        for (int u = p.rect.left; u < p.rect.right; u += LANES) {
            const F8 x = fma(ramp, all((float)w.su), all((float)((u - w.cu) * w.su)));
            const F8 inverse = all(1.0f) / fma(x, all((float)ma[0]), all((float)a0));
            const F8 slope_b = fma(x, all((float)mb[0]), all((float)b0)) * inverse;
            const F8 slope_c = fma(x, all((float)mc[0]), all((float)c0)) * inverse;
            const F8 gb = fma(slope_b, all((float)(reach / p.step_b)), all((float)((p.sb - p.ob) / p.step_b)));
            const F8 gc = fma(slope_c, all((float)(reach / p.step_c)), all((float)((p.sc - p.oc) / p.step_c)));
            const F8 mm = root(fma(x, x, all((float)far2))) * abs8(inverse) * all(unit);
            const F8 wb = floor8(gb), wc = floor8(gc);
            F8 tb[4], tc[4];
            if (p.cubic) {
                cubic_weights(gb - wb, tb);
                cubic_weights(gc - wc, tc);
            } else {
                tb[1] = all(1.0f) - (gb - wb), tb[2] = gb - wb, tb[0] = tb[3] = all(0.0f);
                tc[1] = all(1.0f) - (gc - wc), tc[2] = gc - wc, tc[0] = tc[3] = all(0.0f);
            }
            const I8 ib = ints(wb) - 1, ic = ints(wc) - 1; // the picture has two empty samples around
            const I8 inside = (ib >= 0) & (ic >= 0) & (ib <= p.nb - 4) & (ic <= p.nc - 4);
            const I8 offset = (ic * all((int32_t)p.nb) + ib) & inside;
            const F8 sum = (F8)(inside & (I8)(mm * sixteen(picture, p.nb, offset, tb, tc)));
            const int n = p.rect.right - u < LANES ? p.rect.right - u : LANES;
            if (n == LANES) store(image + u, load(image + u) + sum);
            else
                for (int i = 0; i < n; ++i) image[u + i] += sum[i];
        }
    }
}
