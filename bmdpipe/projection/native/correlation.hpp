// Gradient correlation of an image with fixed derivatives, as bmdpipe.registration.similarity
// defines it: derivatives by Gaussian kernels, normalised cross-correlation of each, their mean.

// Of an image's x and y derivatives the weighted sum, that of squares, and the product with the
// fixed ones: [x sum, x squares, x product, y sum, y squares, y product].
struct Moments {
    F8 of[6];
};

// Derivatives of output row `row` in columns [from, to), eight at a time: calls
// `each(x, n, moments)` with what columns x ... x + n - 1 give. `work`: 2 * (width + 2 * LANES).
// Eight floats behind the image's last row must be readable.
template <class Each>
INLINE void derivatives(const Correlation &c, const float *image, int row, int from, int to, float *work,
                        const Each &each) {
    const int border = c.taps - 1, w = c.width - border, h = c.height - border;
    float *smoothed = work, *sloped = work + c.width + 2 * LANES;
    const float *lines = image + (int64_t)row * c.width;
    for (int x = from; x < to + border; x += LANES) {
        F8 a = all(0.0f), b = a;
        for (int k = 0; k < c.taps; ++k) {
            const F8 pixels = load(lines + (int64_t)k * c.width + x);
            a = fma(all(c.smooth[k]), pixels, a);
            b = fma(all(c.slope[k]), pixels, b);
        }
        store(smoothed + x, a);
        store(sloped + x, b);
    }
    const float *weights = c.weight + (int64_t)row * w;
    const float *fixed[2] = {c.fixed + (int64_t)row * w, c.fixed + ((int64_t)h + row) * w};
    for (int x = from; x < to; x += LANES) {
        F8 own[2] = {all(0.0f), all(0.0f)};
        for (int k = 0; k < c.taps; ++k) {
            own[0] = fma(all(c.slope[k]), load(smoothed + x + k), own[0]);
            own[1] = fma(all(c.smooth[k]), load(sloped + x + k), own[1]);
        }
        const int n = to - x < LANES ? to - x : LANES;
        F8 weight = all(0.0f), other[2] = {weight, weight};
        if (n == LANES) {
            weight = load(weights + x), other[0] = load(fixed[0] + x), other[1] = load(fixed[1] + x);
        } else
            for (int i = 0; i < n; ++i)
                weight[i] = weights[x + i], other[0][i] = fixed[0][x + i], other[1][i] = fixed[1][x + i];
        Moments m;
        for (int axis = 0; axis < 2; ++axis) {
            m.of[3 * axis] = own[axis] * weight;
            m.of[3 * axis + 1] = m.of[3 * axis] * own[axis];
            m.of[3 * axis + 2] = own[axis] * other[axis];
        }
        each(x, n, m);
    }
}

// Running sums [h', w' + 1, 6] over the columns of a background's moments.
static void background_sums(const Correlation &c, const float *image, double *sums, float *work) {
    const int w = c.width - c.taps + 1, h = c.height - c.taps + 1;
    for (int row = 0; row < h; ++row) {
        double *line = sums + (int64_t)row * (w + 1) * 6;
        for (int q = 0; q < 6; ++q) line[q] = 0;
        derivatives(c, image, row, 0, w, work, [&](int x, int n, const Moments &m) {
            for (int i = 0; i < n; ++i)
                for (int q = 0; q < 6; ++q) line[6 * (x + i + 1) + q] = line[6 * (x + i) + q] + m.of[q][i];
        });
    }
}

// The score of an image that differs from the background (nothing, or what `sums` was made of) in the
// rectangle `changed` only.
static double correlate(const Correlation &c, const float *image, const Rect &changed, const double *sums,
                        float *work) {
    const int border = c.taps - 1, w = c.width - border, h = c.height - border;
    const int left = changed.left > border ? changed.left - border : 0;
    const int top = changed.top > border ? changed.top - border : 0;
    const int right = changed.right < w ? changed.right : w, bottom = changed.bottom < h ? changed.bottom : h;
    double total[6] = {};
    for (int row = 0; row < h; ++row) {
        const double *beside = sums ? sums + (int64_t)row * (w + 1) * 6 : nullptr;
        const bool met = row >= top && row < bottom && left < right;
        if (beside)
            for (int q = 0; q < 6; ++q)
                total[q] += beside[6 * w + q] + (met ? beside[6 * left + q] - beside[6 * right + q] : 0);
        if (!met) continue;
        F8 sum[6] = {};
        derivatives(c, image, row, left, right, work, [&](int, int, const Moments &m) {
            for (int q = 0; q < 6; ++q) sum[q] += m.of[q];
        });
        for (int q = 0; q < 6; ++q)
            for (int i = 0; i < LANES; ++i) total[q] += sum[q][i];
    }
    double score = 0;
    for (int axis = 0; axis < 2; ++axis) {
        const double *t = total + 3 * axis, variance = t[1] - t[0] * t[0] / c.total;
        if (variance > 1e-20) score += 0.5 * t[2] / __builtin_sqrt(variance);
    }
    return score;
}
