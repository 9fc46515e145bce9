// The C interface. Every entry returns 0, a set of principal axes (bits) whose store it needs, or
// NO_MEMORY; it never throws.
#include "core.hpp"
#include "parallel.hpp"
#include "plan.hpp"
#include <cstring>
#include <new>
#include <thread>
#include <vector>

#define API extern "C" __attribute__((visibility("default")))

namespace bmd {
namespace {

constexpr int NO_MEMORY = -1;
enum Engine { JOSEPH = 0, SIDDON = 1, JET = 2, FACTORED = 3 };
bool forced_portable = false;

const Kernels &kernels() {
#if defined(__x86_64__)
    static const bool wide = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
    if (wide && !forced_portable) return avx2_kernels;
#endif
    return portable_kernels;
}

Scene scene_of(const Store *stores, const View *view, float *image, int width, int height, int todo) {
    int size[3];
    size_of(stores, size);
    bool clear;
    const Rect rect = shadow(*view, size, width, height, &clear);
    return {stores, view, image, width, height, todo, rect, lanes_along_v(*view, stores, rect), clear};
}

int strips(const Scene &s) {
    const int lines = s.lane_v ? s.rect.right - s.rect.left : s.rect.bottom - s.rect.top;
    return s.rect.right > s.rect.left && s.rect.bottom > s.rect.top ? (lines + STRIP - 1) / STRIP : 0;
}

int exact(const Scene &scene, int engine, int strip) {
    const Kernels &k = kernels();
    if (engine == SIDDON) return k.siddon(scene, strip);
    return engine == JET ? k.jet(scene, strip) : k.joseph(scene, strip);
}

struct Steps { // of a factored picture, in voxels along and across the rows of its store
    double along, across;
    int cubic;
};

// 0: planned; else the missing axis. `usable` says whether the factored engine can draw this view.
int plan_of(Plan &p, const Scene &s, const Steps &steps, bool &usable) {
    p.view = s.view, p.image = s.image, p.width = s.width, p.height = s.height, p.rect = s.rect;
    p.cubic = steps.cubic;
    p.nb = p.nc = 0;
    usable = true;
    if (!strips(s)) return 0;
    usable = s.clear && plan_picture(p, s.stores, std::min(steps.along, 1.5), std::min(steps.across, 1.9));
    if (!usable) return 0;
    return p.store->values ? 0 : 1 << p.store->axis_a;
}

int bands(int rows) { return (rows + BAND - 1) / BAND; }

} // namespace
} // namespace bmd

using namespace bmd;

// Exact images [n, h, w] (for the jet [n, 5, h, w]), added to; axes outside `todo` are left out.
API int bmd_exact(int engine, const Store *stores, const View *views, int n, int width, int height,
                  float *images, int todo, int threads) try {
    const int64_t pixels = (int64_t)width * height * (engine == JET ? 5 : 1);
    std::vector<Scene> scenes(n);
    std::vector<int64_t> ends(n);
    int64_t total = 0;
    for (int i = 0; i < n; ++i) {
        scenes[i] = scene_of(stores, views + i, images + i * pixels, width, height, todo);
        ends[i] = total += strips(scenes[i]);
    }
    std::atomic<int> missing{0};
    parallel(total, threads, [&](int64_t job, int) {
        const int i = std::upper_bound(ends.begin(), ends.end(), job) - ends.begin();
        const int lack = exact(scenes[i], engine, (int)(job - (i ? ends[i - 1] : 0)));
        if (lack) missing |= lack;
    });
    return missing;
} catch (const std::bad_alloc &) {
    return NO_MEMORY;
}

// Factored images [n, h, w], added to. `done[i]`: 1 drawn; 0 not, for want of a store (returned) or,
// with nothing returned, because the exact engine is needed. Those that are done are left alone.
API int bmd_factored(const Store *stores, const View *views, int n, int width, int height,
                     float *images, const Steps *steps, uint8_t *done, int threads) try {
    const int64_t pixels = (int64_t)width * height;
    const Kernels &k = kernels();
    int missing = 0;
    std::vector<Plan> plans;
    std::vector<int> indices;
    size_t largest = 0;
    for (int i = 0; i < n; ++i) {
        if (done[i]) continue;
        Plan p;
        bool usable;
        const int lack = plan_of(p, scene_of(stores, views + i, images + i * pixels, width, height, 7), *steps, usable);
        missing |= lack;
        if (lack || !usable) continue;
        done[i] = 1;
        if (p.nb && p.nc) plans.push_back(p);
        largest = std::max(largest, (size_t)p.nb * p.nc);
    }
    const int count = (int)plans.size();
    if (count >= threads) {
        std::vector<std::vector<float>> pictures(threads);
        for (auto &picture : pictures) picture.resize(largest);
        parallel(count, threads, [&](int64_t i, int thread) {
            float *picture = pictures[thread].data();
            for (int band = 0; band < bands(plans[i].nc); ++band) k.picture(plans[i], band, picture);
            const Rect &r = plans[i].rect;
            for (int band = 0; band < bands(r.bottom - r.top); ++band) k.warp(plans[i], band, picture);
        });
        return missing;
    }
    static thread_local std::vector<float> picture; // fresh pages cost as much as a small picture
    if (picture.size() < largest) picture.resize(largest);
    float *at = picture.data();
    for (const Plan &p : plans) {
        const int drawing = bands(p.nc), warping = bands(p.rect.bottom - p.rect.top);
        std::atomic<int> drawn{0};
        parallel(drawing + warping, threads, [&](int64_t band, int) {
            if (band < drawing) {
                k.picture(p, (int)band, at);
                drawn.fetch_add(1, std::memory_order_release);
                return;
            }
            // The last bands are still being drawn by others, and are done in a moment.
            while (drawn.load(std::memory_order_acquire) < drawing) std::this_thread::yield();
            k.warp(p, (int)(band - drawing), at);
        });
    }
    return missing;
} catch (const std::bad_alloc &) {
    return NO_MEMORY;
}

// Gradient correlations [n] of images that are never returned: `bodies` x n views, each image the
// sum of all bodies and of `background` (may be null). One image per thread; only what the bodies
// shade is drawn, compared and put back.
API int bmd_score(int engine, const Store *stores, const View *views, int bodies, int n, int width,
                  int height, const Steps *steps, const float *background, const Correlation *measure,
                  double *scores, int threads) try {
    const int64_t pixels = (int64_t)width * height;
    const Kernels &k = kernels();
    threads = std::max(1, std::min(threads, n));
    std::vector<float> ground(pixels + LANES); // zeros without a background
    if (background) std::memcpy(ground.data(), background, pixels * sizeof(float));
    struct Desk { // of one thread
        std::vector<float> image, picture, work;
        Rect drawn{0, 0, 0, 0};
    };
    std::vector<Desk> desks(threads);
    for (Desk &desk : desks) desk.image = ground, desk.work.resize(2 * ((size_t)width + 2 * LANES));
    std::vector<double> sums;
    if (background) {
        sums.resize((size_t)(height - measure->taps + 1) * (width - measure->taps + 2) * 6);
        k.background_sums(*measure, ground.data(), sums.data(), desks[0].work.data());
    }
    std::atomic<int> missing{0};
    std::atomic<bool> failed{false};
    parallel(n, threads, [&](int64_t i, int thread) {
        Desk &desk = desks[thread];
        float *image = desk.image.data();
        for (int v = desk.drawn.top; v < desk.drawn.bottom; ++v) {
            const int64_t from = (int64_t)v * width + desk.drawn.left;
            std::memcpy(image + from, ground.data() + from, (desk.drawn.right - desk.drawn.left) * sizeof(float));
        }
        Rect drawn{width, 0, height, 0};
        int lack = 0;
        for (int body = 0; body < bodies; ++body) {
            const Scene scene = scene_of(stores + 3 * body, views + (int64_t)body * n + i, image, width, height, 7);
            const Rect &r = scene.rect;
            if (strips(scene))
                drawn = {std::min(drawn.left, r.left), std::max(drawn.right, r.right),
                         std::min(drawn.top, r.top), std::max(drawn.bottom, r.bottom)};
            Plan p;
            bool usable = false;
            if (engine == FACTORED) lack |= plan_of(p, scene, *steps, usable);
            if (lack) continue;
            if (usable) {
                auto &picture = desk.picture;
                try {
                    if (picture.size() < (size_t)p.nb * p.nc) picture.resize((size_t)p.nb * p.nc);
                } catch (const std::bad_alloc &) {
                    failed = true;
                    return;
                }
                if (!p.nb || !p.nc) continue;
                for (int band = 0; band < bands(p.nc); ++band) k.picture(p, band, picture.data());
                for (int band = 0; band < bands(r.bottom - r.top); ++band) k.warp(p, band, picture.data());
            } else
                for (int strip = 0; strip < strips(scene); ++strip)
                    lack |= exact(scene, engine == SIDDON ? SIDDON : JOSEPH, strip);
        }
        if (drawn.left >= drawn.right) drawn = {0, 0, 0, 0};
        desk.drawn = drawn;
        if (lack) missing |= lack;
        else scores[i] = k.correlate(*measure, image, drawn, background ? sums.data() : nullptr, desk.work.data());
    });
    return failed ? NO_MEMORY : (int)missing;
} catch (const std::bad_alloc &) {
    return NO_MEMORY;
}

API const char *bmd_instruction_set(int portable) {
    forced_portable = portable;
    return &kernels() == &portable_kernels ? "portable" : "avx2";
}

API const char *bmd_sources() { return BMD_SOURCES; }
