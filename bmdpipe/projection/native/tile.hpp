// How the lines of a tile are brought through a body by Joseph's method.

// Where lanes 4 to 7 begin to read (see Pick), or -1 if the lanes are too far apart.
INLINE int reach_ahead(const Bundle &g, double near, double far) {
    const double fourth = __builtin_fabs(g.slope_b[3] - g.mb) * far;
    const double last = __builtin_fabs(g.db7) * far;
    if (last < 5.999) return 0;
    const double fifth = __builtin_fabs(g.slope_b[4] - g.mb) * near;
    const int ahead = fifth < LANES - 1 ? (int)(fifth - 1e-3) : LANES - 1;
    return fourth < 5.999 && last - ahead < 5.999 ? ahead : -1;
}

template <class T, bool JET> INLINE void choose(Task &task) {
    const Bundle &g = task.g;
    const double one = __builtin_fabs(g.first[0] - g.sa), two = __builtin_fabs(g.last[0] - g.sa);
    const double near = one < two ? one : two, far = one < two ? two : one;
    const double spread = __builtin_fabs(g.dc7) * far, wide = __builtin_fabs(g.db7) * far;
    task.rows = spread < 1e-6 ? 2 : spread < 1e6 ? (int)spread + 3 : 1000000;
    task.width = wide < 1e6 ? (int)wide + 3 : 1000000;
    task.ahead = reach_ahead(g, near, far);
    if (!g.even || task.ahead < 0 || task.rows > 8) {
        task.block = block_by_gather<T, JET>;
        if (!g.even) { // the ends differ by lane: look everywhere
            task.rows = g.store->nc;
            task.width = g.store->nb;
        }
    } else if (task.rows == 2) task.block = block_of_rows<T, 2, JET>;
    else if (task.rows == 3) task.block = block_of_rows<T, 3, JET>;
    else if (task.rows == 4) task.block = block_of_rows<T, 4, JET>;
    else task.block = block_of_rows<T, 0, JET>;
}

// No voxel of a block lies between two lines of a tile, nor within one of them: positions are
// ratios of affine functions of the line, so that the lines in between stay in between.
INLINE bool empty_between(const Bundle &one, const Bundle &two, int block) {
    const Store &s = *one.store;
    const double k0 = block * BLOCK, k1 = k0 + BLOCK - 1;
    const Extent e = extent(one, k0, k1), f = extent(two, k0, k1);
    const double b0 = (e.b0 < f.b0 ? e.b0 : f.b0) - 1e-3, b1 = (e.b1 > f.b1 ? e.b1 : f.b1) + 1;
    const double c0 = (e.c0 < f.c0 ? e.c0 : f.c0) - 1e-3, c1 = (e.c1 > f.c1 ? e.c1 : f.c1) + 1;
    if (b1 < 0 || b0 >= s.nb || c1 < 0 || c0 >= s.nc) return true;
    const uint64_t window = columns(s, b0 > 0 ? (int)b0 : 0, b1 < s.nb ? (int)b1 : s.nb - 1);
    return !(occupied(s, block, c0, c1) & window);
}

// The lines of a tile go through the body side by side, so that what one has fetched serves all.
template <bool JET> static void run_tasks(const Scene &s, Task *tasks, int n) {
    int first = INT32_MAX, last = -1;
    for (int i = 0; i < n; ++i)
        for (int lane = 0; lane < LANES; ++lane) {
            first = tasks[i].g.first[lane] < first ? tasks[i].g.first[lane] : first;
            last = tasks[i].g.last[lane] > last ? tasks[i].g.last[lane] : last;
        }
    bool alike = n <= STRIP; // lines of one sense, none of which lies outside the first and the last
    for (int i = 1; i < n; ++i)
        alike &= tasks[i].g.store == tasks[0].g.store && tasks[i].line != tasks[i - 1].line &&
                 (tasks[i].g.reach[0] > 0) == (tasks[0].g.reach[0] > 0);
    for (int block = first / BLOCK; block <= last / BLOCK && first <= last; ++block) {
        if (alike && empty_between(tasks[0].g, tasks[n - 1].g, block)) continue;
        for (int i = 0; i < n; ++i)
            if (block * BLOCK < tasks[i].g.store->na) tasks[i].block(tasks[i], block);
    }
    const int64_t plane = (int64_t)s.width * s.height;
    for (int i = 0; i < n; ++i) {
        const Task &task = tasks[i];
        const float unit = task.g.store->is_float ? 1.0f : Pick<int16_t>::UNIT;
        const F8 scale = load(task.g.length) * all(unit);
        add(s, task.g, task.line, task.sum.value * scale, s.image);
        if (!JET) continue;
        add(s, task.g, task.line, task.sum.b * scale, s.image + plane);
        add(s, task.g, task.line, task.sum.tb * scale, s.image + 2 * plane);
        add(s, task.g, task.line, task.sum.c * scale, s.image + 3 * plane);
        add(s, task.g, task.line, task.sum.tc * scale, s.image + 4 * plane);
    }
}

template <bool JET> static int joseph_strip(const Scene &s, int strip) {
    constexpr int MOST = STRIP + LANES;
    Task tasks[MOST];
    const Lines lines = lines_of(s, strip);
    int missing = 0;
    for (int at = lines.from; at < lines.to; at += LANES) {
        int n = 0;
        for (int line = lines.begin; line < lines.end; ++line)
            missing |= each_bundle(s, line, at, 0, [&](const Bundle &g) {
                if (n == MOST) {
                    run_tasks<JET>(s, tasks, n);
                    n = 0;
                }
                Task &task = tasks[n++];
                const F8 zero = all(0.0f);
                task.g = g;
                task.sum = {zero, zero, zero, zero, zero};
                task.line = line;
                if (g.store->is_float) choose<float, JET>(task);
                else choose<int16_t, JET>(task);
            });
        run_tasks<JET>(s, tasks, n);
    }
    return missing;
}
