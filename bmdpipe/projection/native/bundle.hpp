// Eight neighbouring rays with one principal axis: where they cross the slices of a store.

struct Bundle {
    const Store *store;
    double sa, sb, sc;   // source
    double mb, mc;       // slopes of lane 0 against the principal axis
    double db7, dc7;     // the other end lane's slopes minus lane 0's
    F8 db, dc;           // every lane's
    double slope_b[LANES], slope_c[LANES];
    int first[LANES], last[LANES]; // slices between source and detector; `last` inclusive
    bool even;           // ... and they are the same in all lanes
    int place[LANES];    // the lane's pixel along the lane direction
    float length[LANES]; // mm per slice
    double reach[LANES]; // slices from source to detector, signed
    unsigned mine;       // lanes (bits) that stand for a pixel; others repeat one
};

INLINE int dominant(const double d[3]) {
    double x = __builtin_fabs(d[0]), y = __builtin_fabs(d[1]), z = __builtin_fabs(d[2]);
    int axis = (x >= y && x >= z) ? 0 : (y >= z ? 1 : 2);
    return 2 * axis + (d[axis] < 0);
}

// Calls `march(bundle)` for the pixels [at, at + 8) of the line `line`, once per principal axis and
// sense among them. Returns the axes that are wanted and have no store.
template <class March>
INLINE int each_bundle(const Scene &s, int line, int at, int half, const March &march) {
    const View &w = *s.view;
    double d[LANES][3], mm[LANES];
    int code[LANES];
    const int end = s.lane_v ? s.rect.bottom : s.rect.right;
    const int n = end - at < LANES ? end - at : LANES;
    for (int i = 0; i < n; ++i) {
        double u = s.lane_v ? line : at + i, v = s.lane_v ? at + i : line;
        double x = (u - w.cu) * w.su, y = (v - w.cv) * w.sv, z = w.sdd;
        for (int r = 0; r < 3; ++r)
            d[i][r] = w.m[4 * r] * x + w.m[4 * r + 1] * y + w.m[4 * r + 2] * z;
        mm[i] = __builtin_sqrt(x * x + y * y + z * z);
        code[i] = dominant(d[i]);
    }
    int missing = 0;
    for (int begin = 0; begin < n;) {
        int stop = begin + 1;
        while (stop < n && code[stop] == code[begin]) ++stop;
        const int axis = code[begin] >> 1;
        const Store &st = s.stores[axis];
        if (!(s.todo >> axis & 1)) {
        } else if (!st.values) {
            missing |= 1 << axis;
        } else {
            Bundle g;
            g.store = &st;
            g.sa = w.m[4 * st.axis_a + 3];
            g.sb = w.m[4 * st.axis_b + 3];
            g.sc = w.m[4 * st.axis_c + 3];
            const double *one = d[begin], *two = d[stop - 1];
            double rise = two[st.axis_b] / two[st.axis_a] - one[st.axis_b] / one[st.axis_a];
            const bool down = (code[begin] & 1) ? rise > 0 : rise < 0; // slices lie beyond: t < 0
            g.mine = 0;
            g.even = true;
            for (int i = 0; i < LANES; ++i) {
                int pixel = begin + i < stop ? begin + i : stop - 1;
                int lane = down ? LANES - 1 - i : i;
                const double *v = d[pixel];
                const double inverse = 1.0 / v[st.axis_a];
                g.slope_b[lane] = v[st.axis_b] * inverse;
                g.slope_c[lane] = v[st.axis_c] * inverse;
                g.length[lane] = (float)(mm[pixel] * __builtin_fabs(inverse));
                g.place[lane] = at + pixel;
                if (begin + i < stop) g.mine |= 1u << lane;
                g.reach[lane] = v[st.axis_a];
                double enter = g.sa, leave = g.sa + v[st.axis_a];
                if (enter > leave) {
                    double swap = enter;
                    enter = leave;
                    leave = swap;
                }
                // Slices are points for Joseph; half a slice to either side belongs to Siddon's.
                double low = __builtin_ceil(enter + 0.5 * half - 1e-9);
                double high = __builtin_floor(leave - 0.5 * half + 1e-9);
                g.first[lane] = low > 0 ? (low < st.na ? (int)low : st.na) : 0;
                g.last[lane] = high < st.na - 1 ? (high > -1 ? (int)high : -1) : st.na - 1;
                g.even &= g.first[lane] == g.first[down ? LANES - 1 : 0] &&
                          g.last[lane] == g.last[down ? LANES - 1 : 0];
            }
            g.mb = g.slope_b[0];
            g.mc = g.slope_c[0];
            for (int i = 0; i < LANES; ++i) {
                g.db[i] = (float)(g.slope_b[i] - g.mb);
                g.dc[i] = (float)(g.slope_c[i] - g.mc);
            }
            g.db7 = g.slope_b[LANES - 1] - g.mb;
            g.dc7 = g.slope_c[LANES - 1] - g.mc;
            march(g);
        }
        begin = stop;
    }
    return missing;
}

struct Lines { // of a strip: lines [begin, end), pixels [from, to) on each
    int begin, end, from, to;
};
INLINE Lines lines_of(const Scene &s, int strip) {
    const Rect &r = s.rect;
    const int begin = (s.lane_v ? r.left : r.top) + strip * STRIP, high = s.lane_v ? r.right : r.bottom;
    return {begin, begin + STRIP < high ? begin + STRIP : high, s.lane_v ? r.top : r.left,
            s.lane_v ? r.bottom : r.right};
}

INLINE void add(const Scene &s, const Bundle &g, int line, F8 sums, float *image) {
    for (int i = 0; i < LANES; ++i)
        if (g.mine >> i & 1) {
            int64_t u = s.lane_v ? line : g.place[i], v = s.lane_v ? g.place[i] : line;
            image[v * s.width + u] += sums[i];
        }
}

// Is anything of the body in rows [c0, c1], columns [b0, b1] (clipped here) of a set of rows?
INLINE uint64_t columns(const Store &s, int b0, int b1) {
    int low = (b0 < 0 ? 0 : b0) >> s.shift;
    int high = (b1 >= s.nb ? s.nb - 1 : b1) >> s.shift;
    return (((uint64_t)2 << (high - low)) - 1) << low;
}
INLINE uint64_t occupied(const Store &s, int block, double c_low, double c_high) {
    if (c_high < 0 || c_low >= s.nc) return 0;
    int c0 = c_low > 0 ? (int)c_low : 0, c1 = c_high < s.nc ? (int)c_high : s.nc - 1;
    const uint64_t *row = s.blocks + (int64_t)block * s.nc;
    uint64_t bits = 0;
    for (int c = c0; c <= c1; ++c) bits |= row[c];
    return bits;
}

// Extent of a bundle in a block of slices [k0, k1]: positions are linear, the ends are extreme.
struct Extent {
    double b0, b1, c0, c1;
};
INLINE Extent extent(const Bundle &g, double k0, double k1) {
    Extent e{1e30, -1e30, 1e30, -1e30};
    for (int end = 0; end < 2; ++end) {
        double t = (end ? k1 : k0) - g.sa;
        double b = g.sb + t * g.mb, c = g.sc + t * g.mc, c7 = c + t * g.dc7;
        double low = c < c7 ? c : c7, high = c < c7 ? c7 : c;
        e.b0 = b < e.b0 ? b : e.b0;
        e.b1 = b + t * g.db7 > e.b1 ? b + t * g.db7 : e.b1;
        e.c0 = low < e.c0 ? low : e.c0;
        e.c1 = high > e.c1 ? high : e.c1;
    }
    return e;
}
