// Joseph's method: one sample per slice of the principal axis, bilinear in the slice.
// Source: Joseph 1982, IEEE TMI 1(3).

// Sums over slices of the value, and for the jet of its slopes along b and c, and of t times those.
struct Sums {
    F8 value, b, tb, c, tc;
};

// Rays of one line of a tile, and how to bring them through a block of slices.
struct Task {
    Bundle g;
    Sums sum;
    int line, rows, ahead, width;
    void (*block)(Task &, int block);
};

// A block's slices: where lane 0 stands, split into whole voxels and the rest, in double precision.
struct Steps {
    alignas(32) float t[BLOCK], fb[BLOCK], fc[BLOCK];
    alignas(32) int32_t ib[BLOCK], jc[BLOCK];
};
INLINE void steps(const Bundle &g, int k0, Steps &s) {
    for (int half = 0; half < BLOCK; half += 4) {
        const double k = k0 + half - g.sa;
        const D4 t = D4{k, k + 1, k + 2, k + 3};
        const D4 b = g.sb + t * g.mb, c = g.sc + t * g.mc, spread = t * g.dc7;
        const D4 ib = floor4(b), jc = floor4(c + (spread < 0 ? spread : spread - spread));
        const F4 tf = __builtin_convertvector(t, F4), fb = __builtin_convertvector(b - ib, F4);
        const F4 fc = __builtin_convertvector(c - jc, F4);
        const I4 ibi = __builtin_convertvector(ib, I4), jci = __builtin_convertvector(jc, I4);
        __builtin_memcpy(s.t + half, &tf, sizeof tf);
        __builtin_memcpy(s.fb + half, &fb, sizeof fb);
        __builtin_memcpy(s.fc + half, &fc, sizeof fc);
        __builtin_memcpy(s.ib + half, &ibi, sizeof ibi);
        __builtin_memcpy(s.jc + half, &jci, sizeof jci);
    }
}

// The occupied runs that a block's rays can meet; 0 if there are none. Places are linear in k.
INLINE uint64_t window_of(const Task &task, const Steps &at, int block) {
    const Store &s = *task.g.store;
    const int one = at.ib[0], two = at.ib[BLOCK - 1], up = at.jc[0], down = at.jc[BLOCK - 1];
    const int b0 = one < two ? one : two, b1 = (one < two ? two : one) + task.width;
    const int c0 = up < down ? up : down, c1 = (up < down ? down : up) + task.rows - 1;
    if (b1 < 0 || b0 >= s.nb || c1 < 0 || c0 >= s.nc) return 0;
    const uint64_t window = columns(s, b0, b1);
    const uint64_t *row = s.blocks + (int64_t)block * s.nc;
    uint64_t bits = 0;
    for (int c = c0 < 0 ? 0 : c0; c <= (c1 < s.nc ? c1 : s.nc - 1); ++c) bits |= row[c];
    return bits & window ? window : 0;
}

INLINE void slopes(Sums &sum, F8 low, F8 high, F8 low_c, F8 high_c, F8 f, F8 t) {
    const F8 along_b = high - low, along_c = fma(f, high_c - low_c, low_c);
    sum.b += along_b;
    sum.tb = fma(t, along_b, sum.tb);
    sum.c += along_c;
    sum.tc = fma(t, along_c, sum.tc);
}

// The share of row r for a place q in [0, n - 1] across n rows.
template <int N> INLINE F8 hat(F8 q, int r, int n) {
    const F8 one = all(1.0f), none = all(0.0f);
    if (N == 2) return r ? q : one - q;
    if (r == 0) return max8(one - q, none);
    if (N && r == n - 1) return max8(q - all((float)(n - 2)), none);
    const F8 height = one - abs8(q - all((float)r));
    return N == 3 ? height : max8(height, none);
}

// What a block's slices share.
template <class T> struct Lane {
    F8 db, dc;
    Pick<T> pick;
    int64_t stride;
    int n;
};

// One slice: rows [begin, end) of n, of which `row` is number 0.
template <class T, int N, bool JET>
INLINE F8 slice(const Lane<T> &lane, const Steps &at, int i, const T *row, int begin, int end, Sums &sum) {
    const int n = N ? N : lane.n;
    const F8 one = all(1.0f), none = all(0.0f), t = all(at.t[i]);
    const F8 qb = fma(t, lane.db, all(at.fb[i])), qc = fma(t, lane.dc, all(at.fc[i]));
    const F8 floored = floor8(qb), f = qb - floored;
    const I8 control = lane.pick.control(ints(floored));
    const F8 whole_c = JET ? floor8(qc) : none;
    F8 low = none, high = none, low_c = none, high_c = none;
    for (int r = begin; r < end; ++r) {
        F8 left, right;
        lane.pick.pair(control, row + r * lane.stride, left, right);
        const F8 share = hat<N>(qc, r, n);
        low = fma(share, left, low);
        high = fma(share, right, high);
        if (JET) {
            const F8 away = all((float)r) - whole_c;
            const F8 slope = select((I8)(away == none), -one, select((I8)(away == one), one, none));
            low_c = fma(slope, left, low_c);
            high_c = fma(slope, right, high_c);
        }
    }
    if (JET) slopes(sum, low, high, low_c, high_c, f, t);
    return fma(f, high - low, low);
}

// Lanes within N rows (0: task.rows) and about a dozen columns: contiguous loads, a permute, and
// hats across the rows.
template <class T, int N, bool JET> static void block_of_rows(Task &task, int block) {
    const Bundle &g = task.g;
    const Store &s = *g.store;
    const int n = N ? N : task.rows, k0 = block * BLOCK;
    Steps at;
    steps(g, k0, at);
    const uint64_t window = window_of(task, at, block);
    if (!window) return;
    I8 ib, jc;
    __builtin_memcpy(&ib, at.ib, sizeof ib);
    __builtin_memcpy(&jc, at.jc, sizeof jc);
    const I8 ramp = {0, 1, 2, 3, 4, 5, 6, 7}, k = all((int32_t)k0) + ramp;
    const unsigned live = bits_of((ib < s.nb) & (ib > -2 * LANES) & (jc < s.nc) & (jc > -n) &
                                  (k >= g.first[0]) & (k <= g.last[0]));
    const unsigned inner = live & bits_of((jc >= 0) & (jc <= s.nc - n));
    const I8 place = jc * all((int32_t)s.stride_c) + ib + ramp * all((int32_t)s.stride_a);
    const I8 run = jc * all((int32_t)s.rows_c) + ramp * all((int32_t)s.rows_a);
    alignas(32) int32_t places[BLOCK], held[BLOCK];
    __builtin_memcpy(places, &place, sizeof place);
    __builtin_memcpy(held, &run, sizeof run);
    const T *values = (const T *)s.values + k0 * s.stride_a;
    const uint64_t *runs = s.rows + k0 * s.rows_a;
    const int64_t rows_c = s.rows_c, next = BLOCK * s.stride_a;
    const Lane<T> lane{g.db, g.dc, Pick<T>::from(task.ahead), s.stride_c, n};
    F8 total = task.sum.value;
    auto held_by = [&](int i, int rows) __attribute__((always_inline)) {
        const T *row = values + places[i];
        uint64_t any = 0;
        for (int r = 0; r < rows; ++r) {
            any |= runs[held[i] + r * rows_c];
            __builtin_prefetch(row + next + r * lane.stride);
        }
        return any & window;
    };
    // Where no lane reaches the third row, two serve.
    const F8 top = load(at.fc) + abs8(load(at.t) * all((float)g.dc7));
    const unsigned narrow = N == 2 ? inner : inner & bits_of((I8)(top < all(0.99999f)));
    for (unsigned left = narrow; left; left &= left - 1) {
        const int i = __builtin_ctz(left);
        if (held_by(i, 2)) total += slice<T, 2, JET>(lane, at, i, values + places[i], 0, 2, task.sum);
    }
    for (unsigned left = inner & ~narrow; left; left &= left - 1) {
        const int i = __builtin_ctz(left);
        if (held_by(i, n)) total += slice<T, N, JET>(lane, at, i, values + places[i], 0, n, task.sum);
    }
    for (unsigned left = live & ~inner; left; left &= left - 1) { // some rows lie outside
        const int i = __builtin_ctz(left), j = at.jc[i];
        const int begin = j < 0 ? -j : 0, end = j + n > s.nc ? s.nc - j : n;
        total += slice<T, 0, JET>(lane, at, i, values + places[i], begin, end, task.sum);
    }
    task.sum.value = total;
}

// Lanes farther apart, or with slices of their own: each fetches its own four voxels.
template <class T, bool JET> static void block_by_gather(Task &task, int block) {
    const Bundle &g = task.g;
    const Store &s = *g.store;
    const int k0 = block * BLOCK;
    Steps at;
    steps(g, k0, at);
    if (!window_of(task, at, block)) return;
    I8 from, to;
    __builtin_memcpy(&from, g.first, sizeof from);
    __builtin_memcpy(&to, g.last, sizeof to);
    for (int i = 0; i < BLOCK; ++i) {
        const int32_t k = k0 + i;
        const F8 t = all(at.t[i]);
        const F8 qb = fma(t, g.db, all(at.fb[i])), qc = fma(t, g.dc, all(at.fc[i]));
        const F8 whole_b = floor8(qb), whole_c = floor8(qc);
        const F8 f = qb - whole_b, fc = qc - whole_c;
        const I8 b = ints(whole_b) + all(at.ib[i]), c = ints(whole_c) + all(at.jc[i]);
        const I8 mine = (from <= k) & (to >= k) & (b >= -1) & (b < s.nb);
        const I8 upper = mine & (c >= 0) & (c < s.nc), lower = mine & (c >= -1) & (c < s.nc - 1);
        if (!bits_of(upper | lower)) continue;
        const I8 offset = c * all((int32_t)s.stride_c) + b;
        const T *slice = (const T *)s.values + k * s.stride_a;
        F8 ul, ur, ll, lr;
        gather_pair(slice, offset, upper, ul, ur);
        gather_pair(slice + s.stride_c, offset, lower, ll, lr);
        const F8 low = fma(fc, ll - ul, ul), high = fma(fc, lr - ur, ur);
        task.sum.value += fma(f, high - low, low);
        if (JET) slopes(task.sum, low, high, ll - ul, lr - ur, f, t);
    }
}
