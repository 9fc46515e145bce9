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
    F8 f[CHUNK];
    int start[CHUNK];
    uint32_t held[ROWS]; // groups of a row that were brought; the others are not to be read
};

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
        auto begin = [&](int bit) { return group_of(((int64_t)bit << s.shift) - 1); };
        auto end = [&](int bit) { return group_of(((int64_t)bit + 1) << s.shift); };
        const int ahead = 7 * hb < 5.999 ? 0 : (int)(4 * hb);
        const auto pick = Pick<T>::from(ahead);
        const int g1 = end(63 - __builtin_clzll(any));
        for (int g = begin(__builtin_ctzll(any)); g <= g1; ++g) {
            const double start = b + g * LANES * hb, whole = __builtin_floor(start);
            const F8 q = fma(ramp, all((float)hb), all((float)(start - whole)));
            const F8 floored = floor8(q);
            cut.start[g] = (int)whole;
            cut.control[g] = pick.control(ints(floored));
            cut.f[g] = q - floored;
        }
        // Each voxel row is brought to the picture's columns once, where it holds anything.
        const int count = j1 - j0 + 1;
        for (int j = 0; j < count; ++j) {
            cut.held[j] = 0;
            if (j + j0 < low || j + j0 > high) continue;
            const uint64_t own = bits[(j + j0) * s.rows_c] & window;
            if (!own) continue;
            const T *row = values + k * s.stride_a + (j + j0) * s.stride_c;
            float *to = cut.rows[j];
            uint32_t here = 0;
            each_run(own, [&](int first, int last) __attribute__((always_inline)) {
                const int to_g = end(last);
                for (int g = begin(first); g <= to_g; ++g) {
                    const int start = cut.start[g];
                    if (start <= -2 * LANES || start >= s.nb) continue;
                    __builtin_prefetch(row + start + AHEAD * s.stride_a);
                    F8 left, right;
                    pick.pair(cut.control[g], row + start, left, right);
                    store(to + g * LANES, fma(cut.f[g], right - left, left));
                    here |= 1u << g;
                }
            });
            cut.held[j] = here;
        }
        for (int j = 0; j < count; ++j) {
            const uint32_t want = (j ? cut.held[j - 1] : 0) | (j + 1 < count ? cut.held[j + 1] : 0);
            each_run(want & ~cut.held[j], [&](int first, int last) {
                for (int g = first; g <= last; ++g) store(cut.rows[j] + g * LANES, all(0.0f));
            });
        }
        for (int y = 0; y < rows; ++y) {
            const double at = c + y * hc, whole = __builtin_floor(at);
            const int j = (int)whole - j0;
            const float w = (float)(at - whole);
            const F8 w1 = all(w), w0 = all(1.0f - w);
            const float *upper = cut.rows[j], *lower = cut.rows[j + 1];
            float *sum = out + (int64_t)y * p.nb;
            each_run(cut.held[j] | cut.held[j + 1], [&](int first, int last) __attribute__((always_inline)) {
                for (int x = first * LANES; x <= last * LANES; x += LANES)
                    store(sum + x, fma(w1, load(lower + x), fma(w0, load(upper + x), load(sum + x))));
            });
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

// Rows [band * BAND, ...) of the image, taken from the picture.
static void warp_band(const Plan &p, int band, const float *picture) {
    const View &w = *p.view;
    const Store &s = *p.store;
    const float unit = s.is_float ? 1.0f : Pick<int16_t>::UNIT;
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
            const I8 ib = ints(wb), ic = ints(wc);
            const int n = p.rect.right - u < LANES ? p.rect.right - u : LANES;
            for (int i = 0; i < n; ++i) {
                const int b = ib[i] - 1, c = ic[i] - 1; // the picture has two empty samples around
                if (b < 0 || c < 0 || b + 4 > p.nb || c + 4 > p.nc) continue;
                const float *from = picture + (int64_t)c * p.nb + b;
                F4 rows = {0, 0, 0, 0};
                for (int r = 0; r < 4; ++r) {
                    F4 taps;
                    __builtin_memcpy(&taps, from + (int64_t)r * p.nb, sizeof taps);
                    rows += taps * tc[r][i];
                }
                image[u + i] += mm[i] * (tb[0][i] * rows[0] + tb[1][i] * rows[1] +
                                         (tb[2][i] * rows[2] + tb[3][i] * rows[3]));
            }
        }
    }
}
