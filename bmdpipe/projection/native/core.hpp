// What crosses between Python, the dispatcher and the kernels. Everything is plain C data.
#pragma once
#include <cstdint>

namespace bmd {

constexpr int LANES = 8;   // neighbouring pixels that are worked on together
constexpr int MARGIN = 16; // zeros before the first, after the last and between the rows of a store
constexpr int BLOCK = 8;   // slices that are tested for emptiness together

// A body's voxels with the axes named a (principal), c (rows) and b (contiguous in memory).
struct Store {
    const void *values; // int16 or float32; null: not there yet
    int64_t stride_a, stride_c;
    const uint64_t *rows;   // occupied runs of 1 << shift voxels of the row (a, c), one per bit
    const uint64_t *blocks; // the same, of BLOCK slices together: [(a / BLOCK) * nc + c]
    int64_t rows_a, rows_c;
    int32_t axis_a, axis_b, axis_c; // 0, 1, 2: x, y, z of the body
    int32_t na, nb, nc;
    int32_t is_float, shift;
};

// One image: index_from_camera [3, 4] row by row, then the camera.
struct View {
    double m[12];
    double sdd, su, sv, cu, cv;
};

struct Rect {
    int left, right, top, bottom; // half open
};

// One image of a body by an exact engine. `lane_v`: lanes run along the image's columns.
struct Scene {
    const Store *stores; // three, by principal axis
    const View *view;
    float *image; // added to; for the jet: five planes
    int width, height;
    int todo; // axes to be worked on
    Rect rect;
    bool lane_v;
    bool clear; // the body lies between source and detector
};

// One image by the factored engine: a picture on the slice that is farthest from the source.
struct Plan {
    const Store *store;
    const View *view;
    float *image;
    int width, height;
    Rect rect;
    double sa, sb, sc;          // source in the store's axes
    int far;                    // the slice of the picture
    double ob, oc, step_b, step_c; // its first sample and steps, in voxels
    int nb, nc;                 // samples; nb is a multiple of LANES
    bool cubic;
};

struct Correlation {
    const float *smooth, *slope;
    int taps;
    const float *fixed, *weight; // [2, h', w'], [h', w']
    int width, height;           // of the image
    double total;                // sum of the weights
};

// What is compiled once per instruction set. A strip is LANES or more lines of pixels.
struct Kernels {
    int (*joseph)(const Scene &, int strip); // these three return axes whose store was not there
    int (*siddon)(const Scene &, int strip);
    int (*jet)(const Scene &, int strip);
    void (*picture)(const Plan &, int band, float *picture);
    void (*warp)(const Plan &, int band, const float *picture);
    void (*background_sums)(const Correlation &, const float *image, double *sums, float *work);
    double (*correlate)(const Correlation &, const float *image, const Rect &changed, const double *sums,
                        float *work);
};

constexpr int STRIP = 4; // lines of pixels, side by side
constexpr int BAND = 12;  // rows of a picture

extern const Kernels portable_kernels;
extern const Kernels avx2_kernels;

} // namespace bmd
