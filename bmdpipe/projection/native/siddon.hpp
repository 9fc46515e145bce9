// The exact path through voxels of constant value, slab by slab of the principal axis: within one
// slab a ray meets at most one border along b and one along c, hence at most three voxels.
// Source: Siddon 1985, Med Phys 12(2), for the model.

// Voxels are met from p - 0.5 to p + 0.5; positions below are shifted by 0.5, so that `floor` names
// the voxel. `in` and `out` are where, as a share of the slab, the ray begins and ends.
template <class T> static F8 march_siddon(const Bundle &g, F8 lanes_b, F8 lanes_c) {
    const Store &s = *g.store;
    const T *values = (const T *)s.values;
    const F8 one = all(1.0f), none = all(0.0f);
    const I8 unit = all((int32_t)1), width = all((int32_t)s.nb), depth = all((int32_t)s.nc);
    F8 sum = none;
    I8 from, to;
    int first = g.first[0], last = g.last[0];
    for (int i = 0; i < LANES; ++i) {
        from[i] = g.first[i];
        to[i] = g.last[i];
        first = g.first[i] < first ? g.first[i] : first;
        last = g.last[i] > last ? g.last[i] : last;
    }
    for (int block = first / BLOCK; block <= last / BLOCK && first <= last; ++block) {
        const int k0 = block * BLOCK;
        const Extent e = extent(g, k0 - 0.5, k0 + BLOCK - 0.5);
        const double b0 = e.b0 + 0.5, b1 = e.b1 + 0.5;
        if (b1 <= 0 || b0 >= s.nb) continue;
        const uint64_t window = columns(s, b0 > 0 ? (int)b0 : 0, b1 < s.nb ? (int)b1 : s.nb);
        if (!(occupied(s, block, e.c0 + 0.5, e.c1 + 0.5) & window)) continue;
        for (int k = k0; k < k0 + BLOCK; ++k) {
            if (k < first || k > last) continue;
            const double t = k - 0.5 - g.sa;
            const double b = g.sb + t * g.mb + 0.5, c = g.sc + t * g.mc + 0.5;
            const double ib = __builtin_floor(b), jc = __builtin_floor(c);
            const F8 qb = fma(all((float)t), g.db, all((float)(b - ib)));
            const F8 qc = fma(all((float)t), g.dc, all((float)(c - jc)));
            const F8 end_b = qb + lanes_b, end_c = qc + lanes_c;
            const I8 i0 = ints(floor8(qb)), j0 = ints(floor8(qc));
            I8 di = ints(floor8(end_b)) - i0, dj = ints(floor8(end_c)) - j0;
            di = select(di > unit, unit, select(di < -unit, -unit, di));
            dj = select(dj > unit, unit, select(dj < -unit, -unit, dj));
            const F8 border_b = floats(select(di > 0, i0 + 1, i0));
            const F8 border_c = floats(select(dj > 0, j0 + 1, j0));
            const F8 at_b = select(di == 0, one, min8(max8((border_b - qb) / lanes_b, none), one));
            const F8 at_c = select(dj == 0, one, min8(max8((border_c - qc) / lanes_c, none), one));
            const I8 b_first = (I8)(at_b < at_c);
            const F8 in = min8(at_b, at_c), out = max8(at_b, at_c);
            const I8 i = i0 + all((int32_t)ib), j = j0 + all((int32_t)jc);
            const I8 mid_i = select(b_first, i + di, i), mid_j = select(b_first, j, j + dj);
            const I8 mine = (from <= k) & (to >= k);
            auto value = [&](I8 x, I8 y) __attribute__((always_inline)) {
                const I8 inside = mine & (x >= 0) & (x < width) & (y >= 0) & (y < depth);
                return gather(values + k * s.stride_a, y * all((int32_t)s.stride_c) + x, inside);
            };
            sum = fma(in, value(i, j), sum);
            sum = fma(out - in, value(mid_i, mid_j), sum);
            sum = fma(one - out, value(i + di, j + dj), sum);
        }
    }
    return sum;
}

// What lies before lane `i`'s first whole slab and behind its last: source or detector stands
// within the body. Steps from border to border in double precision.
template <class T> static double ends_siddon(const Bundle &g, int i, double enter, double leave) {
    const Store &s = *g.store;
    const T *values = (const T *)s.values;
    double sum = 0;
    for (int side = 0; side < 2; ++side) {
        double from = side ? g.last[i] + 0.5 : enter, to = side ? leave : g.first[i] - 0.5;
        if (g.first[i] > g.last[i]) { // no whole slab
            if (side) break;
            to = leave;
        }
        from = from > -0.5 ? from : -0.5;
        to = to < s.na - 0.5 ? to : s.na - 0.5;
        while (from < to) {
            const double b = g.sb + (from - g.sa) * g.slope_b[i] + 0.5;
            const double c = g.sc + (from - g.sa) * g.slope_c[i] + 0.5;
            double next = __builtin_floor(from + 0.5 + 1e-9) + 0.5;
            const double mb = g.slope_b[i], mc = g.slope_c[i];
            const double ib = mb < 0 ? __builtin_ceil(b - 1e-9) - 1 : __builtin_floor(b + 1e-9);
            const double jc = mc < 0 ? __builtin_ceil(c - 1e-9) - 1 : __builtin_floor(c + 1e-9);
            if (mb) {
                const double meet = from + ((mb > 0 ? ib + 1 : ib) - b) / mb;
                next = meet < next ? meet : next;
            }
            if (mc) {
                const double meet = from + ((mc > 0 ? jc + 1 : jc) - c) / mc;
                next = meet < next ? meet : next;
            }
            next = next < to ? next : to;
            const int k = (int)__builtin_floor(0.5 * (from + next) + 0.5);
            if (k >= 0 && k < s.na && ib >= 0 && ib < s.nb && jc >= 0 && jc < s.nc)
                sum += (next - from) * values[k * s.stride_a + (int)jc * s.stride_c + (int)ib];
            from = next;
        }
    }
    return sum;
}

static int siddon_strip(const Scene &s, int strip) {
    const Lines lines = lines_of(s, strip);
    int missing = 0;
    for (int at = lines.from; at < lines.to; at += LANES)
        for (int line = lines.begin; line < lines.end; ++line)
            missing |= each_bundle(s, line, at, 1, [&](const Bundle &g) {
                F8 slope_b, slope_c, rest = all(0.0f);
                bool whole = true;
                for (int i = 0; i < LANES; ++i) {
                    slope_b[i] = (float)g.slope_b[i];
                    slope_c[i] = (float)g.slope_c[i];
                    whole &= g.first[i] == 0 && g.last[i] == g.store->na - 1;
                }
                const bool wide = g.store->is_float;
                F8 sum = wide ? march_siddon<float>(g, slope_b, slope_c)
                              : march_siddon<int16_t>(g, slope_b, slope_c) *
                                    all(Pick<int16_t>::UNIT);
                if (!whole) {
                    for (int i = 0; i < LANES; ++i) {
                        const double reach = g.reach[i], near = reach < 0 ? g.sa + reach : g.sa;
                        const double far = reach < 0 ? g.sa : g.sa + reach;
                        rest[i] = (float)(wide ? ends_siddon<float>(g, i, near, far)
                                               : ends_siddon<int16_t>(g, i, near, far));
                    }
                }
                add(s, g, line, (sum + rest) * load(g.length), s.image);
            });
    return missing;
}
