// The exact transpose of Joseph's projection. A slice of the volume belongs to one thread, and the
// rays add to it in one order: no atomics, no copies, the same sums for any number of threads.
#include "core.hpp"
#include "parallel.hpp"
#include "plan.hpp"
#include <new>
#include <vector>

namespace {
struct Ray {
    double b, c; // slopes
    float value; // pixel x mm per slice
    int first, last;
};
} // namespace

using namespace bmd;

// Adds to `volume` [z, y, x] of `size` (x, y, z) what images [n, h, w] send back.
extern "C" __attribute__((visibility("default"))) int
bmd_backproject(const View *views, int n, int width, int height, const float *images,
                const int32_t *size, float *volume, int threads) try {
    const int64_t strides[3] = {1, size[0], (int64_t)size[0] * size[1]};
    const int box[3] = {size[0], size[1], size[2]};
    for (int i = 0; i < n; ++i) {
        const View &w = views[i];
        const float *image = images + (int64_t)i * width * height;
        const Rect r = shadow(w, box, width, height);
        std::vector<Ray> rays[3];
        for (int v = r.top; v < r.bottom; ++v)
            for (int u = r.left; u < r.right; ++u) {
                const float value = image[(int64_t)v * width + u];
                if (value == 0) continue;
                double d[3];
                direction(w, u, v, d);
                const int a = principal(d), b = a == 0 ? 1 : 0, c = a == 2 ? 1 : 2;
                const double x = (u - w.cu) * w.su, y = (v - w.cv) * w.sv, sa = w.m[4 * a + 3];
                const double mm = std::sqrt(x * x + y * y + w.sdd * w.sdd) / std::fabs(d[a]);
                const double near = std::min(sa, sa + d[a]), far = std::max(sa, sa + d[a]);
                const double low = std::max(0.0, std::ceil(near - 1e-9));
                const double high = std::min(size[a] - 1.0, std::floor(far + 1e-9));
                if (low <= high)
                    rays[a].push_back({d[b] / d[a], d[c] / d[a], (float)(value * mm), (int)low, (int)high});
            }
        for (int a = 0; a < 3; ++a) {
            const int b = a == 0 ? 1 : 0, c = a == 2 ? 1 : 2, nb = size[b], nc = size[c];
            const double sa = w.m[4 * a + 3], sb = w.m[4 * b + 3], sc = w.m[4 * c + 3];
            if (rays[a].empty()) continue;
            parallel(size[a], threads, [&](int64_t k, int) {
                float *slice = volume + k * strides[a];
                for (const Ray &ray : rays[a]) {
                    const double pb = sb + (k - sa) * ray.b, pc = sc + (k - sa) * ray.c;
                    if (!(pb > -1 && pb < nb && pc > -1 && pc < nc)) continue;
                    if (k < ray.first || k > ray.last) continue;
                    const int ib = (int)(pb + 1) - 1, ic = (int)(pc + 1) - 1;
                    const float fb = (float)(pb - ib), fc = (float)(pc - ic);
                    float *at = slice + ib * strides[b] + ic * strides[c];
                    const float upper = ray.value * (1 - fc), lower = ray.value * fc;
                    if (ic >= 0) {
                        if (ib >= 0) at[0] += upper * (1 - fb);
                        if (ib < nb - 1) at[strides[b]] += upper * fb;
                    }
                    if (ic < nc - 1) {
                        if (ib >= 0) at[strides[c]] += lower * (1 - fb);
                        if (ib < nb - 1) at[strides[b] + strides[c]] += lower * fb;
                    }
                }
            });
        }
    }
    return 0;
} catch (const std::bad_alloc &) {
    return -1;
}
