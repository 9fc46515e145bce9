// Gradient correlation of an image with fixed derivatives, as bmdpipe.registration.similarity
// defines it: derivatives by Gaussian kernels, normalised cross-correlation of each, their mean.

// `work` holds 2 * (width + LANES) floats of lines and 2 * w' floats of derivatives.
static double correlate(const Correlation &c, const float *image, float *work) {
    const int border = c.taps - 1, w = c.width - border, h = c.height - border;
    float *smoothed = work, *sloped = work + c.width, *dx = sloped + c.width, *dy = dx + w;
    double first[2] = {}, second[2] = {}, product[2] = {};
    for (int row = 0; row < h; ++row) {
        for (int x = 0; x < c.width; ++x) smoothed[x] = sloped[x] = 0.0f;
        for (int k = 0; k < c.taps; ++k) {
            const float *line = image + (int64_t)(row + k) * c.width;
            const float a = c.smooth[k], b = c.slope[k];
            for (int x = 0; x < c.width; ++x) {
                smoothed[x] += a * line[x];
                sloped[x] += b * line[x];
            }
        }
        for (int x = 0; x < w; ++x) dx[x] = dy[x] = 0.0f;
        for (int k = 0; k < c.taps; ++k) {
            const float a = c.smooth[k], b = c.slope[k];
            for (int x = 0; x < w; ++x) {
                dx[x] += b * smoothed[x + k];
                dy[x] += a * sloped[x + k];
            }
        }
        const float *weight = c.weight + (int64_t)row * w;
        for (int axis = 0; axis < 2; ++axis) {
            const float *own = axis ? dy : dx;
            const float *fixed = c.fixed + ((int64_t)axis * h + row) * w;
            F8 a = all(0.0f), b = a, p = a;
            int x = 0;
            for (; x + LANES <= w; x += LANES) {
                const F8 value = load(own + x), weighted = value * load(weight + x);
                a += weighted;
                b = fma(weighted, value, b);
                p = fma(value, load(fixed + x), p);
            }
            for (; x < w; ++x) {
                const float value = own[x], weighted = value * weight[x];
                a[0] += weighted;
                b[0] += weighted * value;
                p[0] += value * fixed[x];
            }
            for (int i = 0; i < LANES; ++i) {
                first[axis] += a[i];
                second[axis] += b[i];
                product[axis] += p[i];
            }
        }
    }
    double score = 0;
    for (int axis = 0; axis < 2; ++axis) {
        const double variance = second[axis] - first[axis] * first[axis] / c.total;
        if (variance > 1e-20) score += 0.5 * product[axis] / __builtin_sqrt(variance);
    }
    return score;
}
