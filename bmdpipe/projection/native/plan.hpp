// Which pixels a body's box can reach, and where the factored engine draws its picture.
#pragma once
#include "core.hpp"
#include <algorithm>
#include <cmath>

namespace bmd {

// Pixels that see the box [0, n - 1]; the whole image if a corner is not clearly in front. `clear`
// says that the box lies between source and detector.
inline Rect shadow(const View &w, const int size[3], int width, int height, bool *clear = nullptr) {
    const double *m = w.m;
    const double det = m[0] * (m[5] * m[10] - m[6] * m[9]) - m[1] * (m[4] * m[10] - m[6] * m[8]) +
                       m[2] * (m[4] * m[9] - m[5] * m[8]);
    double inverse[9] = {m[5] * m[10] - m[6] * m[9], m[2] * m[9] - m[1] * m[10],
                         m[1] * m[6] - m[2] * m[5],  m[6] * m[8] - m[4] * m[10],
                         m[0] * m[10] - m[2] * m[8], m[2] * m[4] - m[0] * m[6],
                         m[4] * m[9] - m[5] * m[8],  m[1] * m[8] - m[0] * m[9],
                         m[0] * m[5] - m[1] * m[4]};
    double low[2] = {1e30, 1e30}, high[2] = {-1e30, -1e30}, deepest = 0;
    if (clear) *clear = false;
    for (int corner = 0; corner < 8; ++corner) {
        double p[3], q[3];
        for (int a = 0; a < 3; ++a) p[a] = ((corner >> a & 1) ? size[a] - 1 : 0) - m[4 * a + 3];
        for (int r = 0; r < 3; ++r)
            q[r] = (inverse[3 * r] * p[0] + inverse[3 * r + 1] * p[1] + inverse[3 * r + 2] * p[2]) / det;
        if (!(q[2] > 1e-3 * w.sdd)) return {0, width, 0, height};
        const double u = q[0] / q[2] * w.sdd / w.su + w.cu, v = q[1] / q[2] * w.sdd / w.sv + w.cv;
        deepest = std::max(deepest, q[2]);
        low[0] = std::min(low[0], u), high[0] = std::max(high[0], u);
        low[1] = std::min(low[1], v), high[1] = std::max(high[1], v);
    }
    if (clear) *clear = deepest <= w.sdd;
    auto first = [](double x, int n) { return (int)std::clamp(std::floor(x), 0.0, (double)n); };
    auto last = [](double x, int n) { return (int)std::clamp(std::ceil(x) + 1, 0.0, (double)n); };
    return {first(low[0], width), last(high[0], width), first(low[1], height), last(high[1], height)};
}

inline void size_of(const Store *stores, int size[3]) {
    for (int a = 0; a < 3; ++a) { // the sizes of a store are known before its values are there
        const Store &s = stores[a];
        size[s.axis_a] = s.na, size[s.axis_b] = s.nb, size[s.axis_c] = s.nc;
    }
}

inline void direction(const View &w, double u, double v, double d[3]) {
    const double x = (u - w.cu) * w.su, y = (v - w.cv) * w.sv;
    for (int r = 0; r < 3; ++r) d[r] = w.m[4 * r] * x + w.m[4 * r + 1] * y + w.m[4 * r + 2] * w.sdd;
}

inline int principal(const double d[3]) {
    const double x = std::fabs(d[0]), y = std::fabs(d[1]), z = std::fabs(d[2]);
    return (x >= y && x >= z) ? 0 : (y >= z ? 1 : 2);
}

// Do neighbours along v stand closer to one voxel row than neighbours along u?
inline bool lanes_along_v(const View &w, const Store *stores, const Rect &r) {
    double d[3], right[3], below[3];
    const double u = 0.5 * (r.left + r.right), v = 0.5 * (r.top + r.bottom);
    direction(w, u, v, d);
    direction(w, u + 1, v, right);
    direction(w, u, v + 1, below);
    const Store &s = stores[principal(d)];
    auto slope = [&](const double *e, int axis) { return std::fabs(e[axis] / e[s.axis_a] - d[axis] / d[s.axis_a]); };
    const double across_u = slope(right, s.axis_c), across_v = slope(below, s.axis_c);
    return across_v < across_u;
}

// False if the body is not wholly between source and detector, or is seen under very wide angles.
inline bool plan_picture(Plan &p, const Store *stores, double step_b, double step_c) {
    const View &w = *p.view;
    const Rect &r = p.rect;
    double d[3];
    direction(w, 0.5 * (r.left + r.right - 1), 0.5 * (r.top + r.bottom - 1), d);
    const Store &s = stores[principal(d)];
    p.store = &s;
    p.sa = w.m[4 * s.axis_a + 3], p.sb = w.m[4 * s.axis_b + 3], p.sc = w.m[4 * s.axis_c + 3];
    const bool up = d[s.axis_a] > 0;
    if (up ? p.sa > -1 : p.sa < s.na) return false;
    p.far = up ? s.na - 1 : 0;
    double low[2] = {1e30, 1e30}, high[2] = {-1e30, -1e30}, low_d[2] = {1e30, 1e30}, high_d[2] = {-1e30, -1e30};
    const double reach = p.far - p.sa;
    for (int corner = 0; corner < 4; ++corner) {
        direction(w, corner & 1 ? r.right : r.left - 1, corner & 2 ? r.bottom : r.top - 1, d);
        if ((d[s.axis_a] > 0) != up) return false;
        const double b = p.sb + reach * d[s.axis_b] / d[s.axis_a];
        const double c = p.sc + reach * d[s.axis_c] / d[s.axis_a];
        low_d[0] = std::min(low_d[0], b), high_d[0] = std::max(high_d[0], b);
        low_d[1] = std::min(low_d[1], c), high_d[1] = std::max(high_d[1], c);
        const double slice = (up ? 0 : s.na - 1) - p.sa, from = corner & 1 ? slice : reach;
        const double scale = reach / from, far_b = corner & 2 ? s.nb - 1 : 0;
        const double far_c = corner & 2 ? s.nc - 1 : 0;
        low[0] = std::min(low[0], p.sb + (far_b - p.sb) * scale);
        high[0] = std::max(high[0], p.sb + (far_b - p.sb) * scale);
        low[1] = std::min(low[1], p.sc + (far_c - p.sc) * scale);
        high[1] = std::max(high[1], p.sc + (far_c - p.sc) * scale);
    }
    p.step_b = step_b, p.step_c = step_c;
    const double b0 = std::max(low[0], low_d[0]), b1 = std::min(high[0], high_d[0]);
    const double c0 = std::max(low[1], low_d[1]), c1 = std::min(high[1], high_d[1]);
    p.ob = b0 - 2 * step_b, p.oc = c0 - 2 * step_c;
    const double nb = b1 > b0 ? std::ceil((b1 - b0) / step_b) + 5 : 0;
    const double nc = c1 > c0 ? std::ceil((c1 - c0) / step_c) + 5 : 0;
    if (nb * nc > 3e8) return false;
    p.nb = ((int)nb + LANES - 1) / LANES * LANES, p.nc = nb > 0 ? (int)nc : 0;
    return true;
}

} // namespace bmd
