// Tree amplitudes of Yang-Mills theory at many kinematic points, by Berends-Giele currents in
// Lorenz gauge and the cubic form with field strengths: one pass over the C(n, 3) splits of words.
//
// Compiled once for a dimension -DDIMENSION, a number -DPLUS of components whose metric is +1 (they
// come first, those of -1 after them) and a kind of number:
//   -DREAL       polarisations are doubles,
//   -DCOMPLEX    polarisations are pairs of doubles, real part first,
//   -DMODULAR    all are residues modulo an odd prime below 2^31.
// The lanes of a vector hold different points, and nothing is added across them. So every CPU level
// gives the same bits as long as each lane's roundings keep the order written here; products are
// fused with the sum that they go to, by name. numba_floats.py repeats the same order.
// The source is one file because it is compiled as one (docs/compiled.md); its parts in order:
// lanes by level; numbers by kind; words and splits; a block of points; entry points.

#include <math.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#if defined(__x86_64__)
#include <immintrin.h>
#elif defined(__aarch64__)
#include <arm_neon.h>
#endif

#define INLINE static inline __attribute__((always_inline))
// In small dimensions sums stay in registers, which takes loops without indices.
#if DIMENSION <= 6
#define UNROLL _Pragma("GCC unroll 16")
#else
#define UNROLL
#endif

// ---- lanes ----

#if defined(__AVX512F__)
#define LANES 8
#elif defined(__AVX2__) && defined(__FMA__)
#define LANES 4
#elif defined(__aarch64__)
#define LANES 2
#else
#define LANES 1
#endif

#if LANES == 1
typedef double reals;
typedef uint64_t wholes;
#define LANE(vector, lane) (vector)
#else
typedef double reals __attribute__((vector_size(8 * LANES)));
typedef uint64_t wholes __attribute__((vector_size(8 * LANES)));
#define LANE(vector, lane) (vector)[lane]
#endif

// a * b + c, rounded once.
INLINE reals fused(reals a, reals b, reals c) {
#if LANES == 8
    return (reals)_mm512_fmadd_pd((__m512d)a, (__m512d)b, (__m512d)c);
#elif LANES == 4
    return (reals)_mm256_fmadd_pd((__m256d)a, (__m256d)b, (__m256d)c);
#elif LANES == 2
    return (reals)vfmaq_f64((float64x2_t)c, (float64x2_t)a, (float64x2_t)b);
#else
    return __builtin_fma(a, b, c);
#endif
}

INLINE reals greater(reals a, reals b) {
#if LANES == 8
    return (reals)_mm512_max_pd((__m512d)a, (__m512d)b);
#elif LANES == 4
    return (reals)_mm256_max_pd((__m256d)a, (__m256d)b);
#elif LANES == 2
    return (reals)vmaxq_f64((float64x2_t)a, (float64x2_t)b);
#else
    return a > b ? a : b;
#endif
}

// The product of the low halves.
INLINE wholes times(wholes a, wholes b) {
#if LANES == 8
    return (wholes)_mm512_mul_epu32((__m512i)a, (__m512i)b);
#elif LANES == 4
    return (wholes)_mm256_mul_epu32((__m256i)a, (__m256i)b);
#elif LANES == 2
    return (wholes)vmull_u32(vmovn_u64((uint64x2_t)a), vmovn_u64((uint64x2_t)b));
#else
    return (uint64_t)(uint32_t)a * (uint32_t)b;
#endif
}

// x, or x - p where x is not less: x < 2 p < 2^32. The difference wraps where it is negative, and is
// then the greater one in both halves.
INLINE wholes below(wholes x, wholes p) {
#if LANES == 8
    return (wholes)_mm512_min_epu32((__m512i)x, (__m512i)(x - p));
#elif LANES == 4
    return (wholes)_mm256_min_epu32((__m256i)x, (__m256i)(x - p));
#elif LANES == 2
    return (wholes)vminq_u32((uint32x4_t)x, (uint32x4_t)(x - p));
#else
    return x < p ? x : x - p;
#endif
}

INLINE reals all_lanes(double x) {
    reals v;
    for (int b = 0; b < LANES; b++) LANE(v, b) = x;
    return v;
}

INLINE wholes all_wholes(uint64_t x) {
    wholes v;
    for (int b = 0; b < LANES; b++) LANE(v, b) = x;
    return v;
}

INLINE reals absolute(reals x) {
    wholes bits;
    memcpy(&bits, &x, sizeof bits);
    bits &= all_wholes(INT64_MAX);
    memcpy(&x, &bits, sizeof bits);
    return x;
}

// 2^-exponent, by which parts of at most `top` come to be near 1.
INLINE reals unit(reals top, wholes *exponent) {
    wholes biased;
    memcpy(&biased, &top, sizeof biased);
    biased >>= 52;
    biased -= (biased + 2) >> 11;  // 2046 becomes 2045: 2^-1023 is no normal number
    *exponent = biased - 1023;
    biased = (2046 - biased) << 52;
    memcpy(&top, &biased, sizeof top);
    return top;
}

// ---- numbers: what a component is, and how products of two are summed ----

#if defined(REAL)

typedef reals number, part, sum;  // a polarisation, a momentum, a sum of products
typedef double element;
#define ELEMENTS 1
typedef struct { int unused; } field;

INLINE sum nothing(void) { return all_lanes(0.0); }
INLINE void add(sum *t, number a, number b) { *t = fused(a, b, *t); }
INLINE void take(sum *t, number a, number b) { *t = fused(-a, b, *t); }
#define add_part add
#define take_part take
INLINE number value(sum t, const field *f) { (void)f; return t; }
INLINE number scaled(sum t, part by, const field *f) { (void)f; return t * by; }
INLINE reals size_of(number a) { return absolute(a); }
INLINE reals top_of(number a) { return absolute(a); }

#elif defined(COMPLEX)

typedef reals part;
typedef struct { reals re, im; } number;
typedef number sum;
typedef double element;
#define ELEMENTS 2
typedef struct { int unused; } field;

INLINE sum nothing(void) { return (sum){all_lanes(0.0), all_lanes(0.0)}; }
INLINE void add(sum *t, number a, number b) {
    t->re = fused(a.re, b.re, t->re);
    t->re = fused(-a.im, b.im, t->re);
    t->im = fused(a.re, b.im, t->im);
    t->im = fused(a.im, b.re, t->im);
}
INLINE void take(sum *t, number a, number b) {
    t->re = fused(-a.re, b.re, t->re);
    t->re = fused(a.im, b.im, t->re);
    t->im = fused(-a.re, b.im, t->im);
    t->im = fused(-a.im, b.re, t->im);
}
INLINE void add_part(sum *t, number a, part b) {
    t->re = fused(a.re, b, t->re);
    t->im = fused(a.im, b, t->im);
}
INLINE void take_part(sum *t, number a, part b) {
    t->re = fused(-a.re, b, t->re);
    t->im = fused(-a.im, b, t->im);
}
INLINE number value(sum t, const field *f) { (void)f; return t; }
INLINE number scaled(sum t, part by, const field *f) {
    (void)f;
    return (number){t.re * by, t.im * by};
}
INLINE reals size_of(number a) { return absolute(a.re) + absolute(a.im); }
INLINE reals top_of(number a) { return greater(absolute(a.re), absolute(a.im)); }

#elif defined(MODULAR)

// A sum of products holds their upper parts (from bit 31 on) and lower parts apart, each with its
// sign, so it is reduced once and not at every product. Fewer than 2^14 products may go into it.
typedef wholes number, part;
typedef struct { wholes high, low; } sum;
typedef uint64_t element;
#define ELEMENTS 1
typedef struct {
    wholes p, bias, negated_inverse, of_high, of_low;
    int mersenne;
} field;
#define LOW_BITS 0x7fffffffu

INLINE sum nothing(void) { return (sum){all_wholes(0), all_wholes(0)}; }
INLINE void add(sum *t, number a, number b) {
    wholes x = times(a, b);
    t->high += x >> 31;
    t->low += x & all_wholes(LOW_BITS);
}
INLINE void take(sum *t, number a, number b) {
    wholes x = times(a, b);
    t->high -= x >> 31;
    t->low -= x & all_wholes(LOW_BITS);
}
#define add_part add
#define take_part take

// x / 2^32 modulo p, less than 2 p for x < 2^32 p (Montgomery).
INLINE wholes divided(wholes x, const field *f) {
    return (x + times(times(x, f->negated_inverse), f->p)) >> 32;
}

INLINE number value(sum t, const field *f) {
    if (f->mersenne) {  // 2^31 = 1, so both parts weigh the same
        wholes x = t.high + t.low + f->bias;
        return below((x & f->p) + (x >> 31), f->p);
    }
    wholes high = below(divided(t.high + f->bias, f), f->p);
    wholes low = below(divided(t.low + f->bias, f), f->p);
    return below(divided(times(high, f->of_high) + times(low, f->of_low), f), f->p);
}
INLINE number product(number a, number b, const field *f) {
    sum t = nothing();
    add(&t, a, b);
    return value(t, f);
}
INLINE number scaled(sum t, part by, const field *f) { return product(value(t, f), by, f); }

#else
#error "REAL, COMPLEX or MODULAR"
#endif

// ---- words and splits ----

#define D DIMENSION
#define PAIRS (D * (D - 1) / 2)
#define PAIR(m, n) ((m) * D - (m) * ((m) + 1) / 2 + (n) - (m) - 1)  // m < n
#define POSITIVE(m) ((m) < PLUS)

// The current of legs i to j - 1: momentum, potential and field strength (m < n), indices up.
typedef struct {
    part k[D];
    number a[D];
    number f[PAIRS];
} word;

// Where the word (i, j) of `legs` legs stands: row by row, so what begins with one leg is in line.
INLINE size_t at(size_t i, size_t j, size_t legs) {
    return i * legs - i * (i - 1) / 2 + j - i - 1;
}

INLINE number contracted(const number *a, const part *k, const field *f) {
    sum t = nothing();
    UNROLL
    for (int m = 0; m < D; m++) {
        if (POSITIVE(m)) add_part(&t, a[m], k[m]);
        else take_part(&t, a[m], k[m]);
    }
    return value(t, f);
}

// The part of one split in 2 s_P A_P: (A_X.k_Y) A_Y + A_X.F_Y - (X <-> Y).
INLINE void split_potential(sum *a, const word *x, const word *y, const field *f) {
    number c = contracted(x->a, y->k, f), d = contracted(y->a, x->k, f);
    UNROLL
    for (int n = 0; n < D; n++) {
        sum t = a[n];
        add(&t, c, y->a[n]);
        take(&t, d, x->a[n]);
        UNROLL
        for (int m = 0; m < D; m++) {
            if (m == n) continue;
            int q = m < n ? PAIR(m, n) : PAIR(n, m);
            if (POSITIVE(m) == (m < n)) {
                add(&t, x->a[m], y->f[q]);
                take(&t, y->a[m], x->f[q]);
            } else {
                take(&t, x->a[m], y->f[q]);
                add(&t, y->a[m], x->f[q]);
            }
        }
        a[n] = t;
    }
}

// The part of one split in F_P: -(A_X^m A_Y^n - A_X^n A_Y^m).
INLINE void split_strength(sum *s, const word *x, const word *y) {
    UNROLL
    for (int m = 0; m < D; m++) {
        UNROLL
        for (int n = m + 1; n < D; n++) {
            take(&s[PAIR(m, n)], x->a[m], y->a[n]);
            add(&s[PAIR(m, n)], x->a[n], y->a[m]);
        }
    }
}

// F_P from the sum over its splits.
INLINE void strength(word *w, sum *s, const field *f) {
    UNROLL
    for (int m = 0; m < D; m++) {
        UNROLL
        for (int n = m + 1; n < D; n++) {
            add_part(&s[PAIR(m, n)], w->a[n], w->k[m]);
            take_part(&s[PAIR(m, n)], w->a[m], w->k[n]);
            w->f[PAIR(m, n)] = value(s[PAIR(m, n)], f);
        }
    }
}

static void current(word *words, size_t i, size_t j, size_t legs, part inverse, const field *f) {
    word *w = words + at(i, j, legs);
    sum a[D], s[PAIRS];
    UNROLL
    for (int m = 0; m < D; m++) a[m] = nothing();
    UNROLL
    for (int q = 0; q < PAIRS; q++) s[q] = nothing();
    for (size_t r = i + 1; r < j; r++) {
        const word *x = words + at(i, r, legs), *y = words + at(r, j, legs);
        split_potential(a, x, y, f);
        split_strength(s, x, y);
    }
    UNROLL
    for (int m = 0; m < D; m++) w->a[m] = scaled(a[m], inverse, f);
    strength(w, s, f);
}

// ---- a block of points: one in each lane, the last one again where there are fewer ----

typedef struct {
    const element *momenta[LANES], *polarisations[LANES];  // [leg][component]
    const int64_t *order;                                  // where the components stand in those
    size_t legs;                                           // all but the last
    word *words;
    part *inverses;  // 1 / k_P^2
    number last[D];  // the last leg's polarisation
    wholes exponent;  // of two, by which the amplitude is too small
} block;

#if defined(MODULAR)
INLINE number gathered(const element *const *from, size_t where) {
    wholes v;
    for (int b = 0; b < LANES; b++) LANE(v, b) = from[b][where];
    return v;
}
#define gathered_part gathered
#else
INLINE reals gathered_part(const double *const *from, size_t where) {
    reals v;
    for (int b = 0; b < LANES; b++) LANE(v, b) = from[b][where];
    return v;
}
INLINE number gathered(const double *const *from, size_t where) {
#if defined(COMPLEX)
    return (number){gathered_part(from, 2 * where), gathered_part(from, 2 * where + 1)};
#else
    return gathered_part(from, where);
#endif
}
#endif

INLINE part norm(const part *k, const field *f) {
#if defined(COMPLEX)
    (void)f;
    reals t = all_lanes(0.0);
    UNROLL
    for (int m = 0; m < D; m++) t = fused(POSITIVE(m) ? k[m] : -k[m], k[m], t);
    return t;
#else
    return contracted(k, k, f);
#endif
}

INLINE part plus(part a, part b, const field *f) {
#if defined(MODULAR)
    return below(a + b, f->p);
#else
    (void)f;
    return a + b;
#endif
}

#if defined(MODULAR)
#define scale_momenta(at_hand)
#define scale_polarisation(at_hand, a)
#else
// A is of degree 4 - n in the momenta and of degree 1 in each polarisation. Scaled to 1 by powers of
// two, which round nothing, no sum leaves the range of doubles but for very uneven kinematics.
static void scale_momenta(block *at_hand) {
    reals top = all_lanes(0.0);
    for (size_t i = 0; i < at_hand->legs; i++)
        for (int m = 0; m < D; m++)
            top = greater(top, absolute(at_hand->words[at(i, i + 1, at_hand->legs)].k[m]));
    wholes exponent;
    reals scale = unit(top, &exponent);
    for (size_t i = 0; i < at_hand->legs; i++)
        for (int m = 0; m < D; m++) at_hand->words[at(i, i + 1, at_hand->legs)].k[m] *= scale;
    for (int b = 0; b < LANES; b++)
        LANE(at_hand->exponent, b) = LANE(exponent, b) * (3 - at_hand->legs);
}
static void scale_polarisation(block *at_hand, number *a) {
    reals top = all_lanes(0.0);
    for (int m = 0; m < D; m++) top = greater(top, top_of(a[m]));
    wholes exponent;
    reals scale = unit(top, &exponent);
    for (int m = 0; m < D; m++) a[m] = scaled(a[m], scale, NULL);
    at_hand->exponent += exponent;
}
#endif

static void begin(block *at_hand, size_t point, size_t points, const element *momenta,
                  const element *polarisations, const field *f) {
    size_t legs = at_hand->legs, components = (legs + 1) * D;
    for (size_t b = 0; b < LANES; b++) {
        size_t p = point + b < points ? point + b : points - 1;
        at_hand->momenta[b] = momenta + p * components;
        at_hand->polarisations[b] = polarisations + p * components * ELEMENTS;
    }
    for (size_t i = 0; i < legs; i++) {
        word *w = at_hand->words + at(i, i + 1, legs);
        for (int m = 0; m < D; m++) {
            size_t from = i * D + (size_t)at_hand->order[m];
            w->k[m] = gathered_part(at_hand->momenta, from);
            w->a[m] = gathered(at_hand->polarisations, from);
        }
    }
    scale_momenta(at_hand);
    for (size_t i = 0; i < legs; i++) {
        word *w = at_hand->words + at(i, i + 1, legs);
        sum s[PAIRS];
        scale_polarisation(at_hand, w->a);
        for (int q = 0; q < PAIRS; q++) s[q] = nothing();
        strength(w, s, f);
    }
    for (int m = 0; m < D; m++)
        at_hand->last[m] =
            gathered(at_hand->polarisations, legs * D + (size_t)at_hand->order[m]);
    scale_polarisation(at_hand, at_hand->last);
    for (size_t j = 2; j <= legs; j++)
        for (size_t i = j - 1; i-- > 0;) {
            word *w = at_hand->words + at(i, j, legs);
            const word *x = at_hand->words + at(i, i + 1, legs);
            const word *y = at_hand->words + at(i + 1, j, legs);
            for (int m = 0; m < D; m++) w->k[m] = plus(x->k[m], y->k[m], f);
        }
}

// The currents of all words but that of all legs: by last leg, so that Y stays near.
static void recurse(block *at_hand, const field *f) {
    size_t legs = at_hand->legs;
    for (size_t j = 2; j <= legs; j++)
        for (size_t i = j - 1; i-- > 0;)
            if (j - i < legs)
                current(at_hand->words, i, j, legs, at_hand->inverses[at(i, j, legs)], f);
}

// 2 s_P A_P.e for the word of all legs, e the last leg's polarisation.
static sum closed(const block *at_hand, const field *f) {
    size_t legs = at_hand->legs;
    sum a[D], t = nothing();
    UNROLL
    for (int m = 0; m < D; m++) a[m] = nothing();
    for (size_t r = 1; r < legs; r++)
        split_potential(a, at_hand->words + at(0, r, legs), at_hand->words + at(r, legs, legs), f);
    UNROLL
    for (int m = 0; m < D; m++) {
        if (POSITIVE(m)) add(&t, value(a[m], f), at_hand->last[m]);
        else take(&t, value(a[m], f), at_hand->last[m]);
    }
    return t;
}

// Memory for one block, taken with free(); NULL where there is none.
static block *made(size_t legs, const int64_t *order) {
    size_t words = legs * (legs + 1) / 2, align = 64;
    // MODULAR keeps two rows of parts: it inverts all words at once
    size_t size = sizeof(block) + words * (sizeof(word) + 2 * sizeof(part));
    block *b = aligned_alloc(align, (size + align - 1) / align * align);
    if (b == NULL) return NULL;
    b->legs = legs;
    b->order = order;
    b->words = (word *)(b + 1);
    b->inverses = (part *)(b->words + words);
    return b;
}

// ---- entry points ----

#if defined(MODULAR)

// 1 / k_P^2 of all words by one power: 1 / (x y) gives 1 / x and 1 / y. Words whose k_P^2 is 0 count
// as 1, and their lanes come back as 0, the others as 1.
static wholes invert(block *at_hand, const field *f) {
    size_t legs = at_hand->legs, words = legs * (legs + 1) / 2;
    wholes *norms = at_hand->inverses, *products = norms + words;
    wholes zero = all_wholes(0), one = all_wholes(1), regular = one, running = one;
    for (size_t j = 2; j <= legs; j++)
        for (size_t i = j - 1; i-- > 0;) {
            if (j - i == legs) continue;
            size_t w = at(i, j, legs);
            wholes x = norm(at_hand->words[w].k, f);
            for (int b = 0; b < LANES; b++)
                if (LANE(x, b) == LANE(zero, b)) {
                    LANE(x, b) = 1;
                    LANE(regular, b) = 0;
                }
            norms[w] = x;
            products[w] = running;
            running = product(running, x, f);
        }
    wholes inverse = one;
    for (uint64_t e = LANE(f->p, 0) - 2; e; e >>= 1) {
        if (e & 1) inverse = product(inverse, running, f);
        running = product(running, running, f);
    }
    for (size_t j = legs; j >= 2; j--)
        for (size_t i = 0; i + 1 < j; i++) {  // against the order of above
            if (j - i == legs) continue;
            size_t w = at(i, j, legs);
            wholes x = norms[w];
            norms[w] = product(inverse, products[w], f);
            inverse = product(inverse, x, f);
        }
    return regular;
}

// residues[point] and whether the point is regular; 0 where it is not. Returns 1 without memory.
int32_t ym_amplitudes_mod(int64_t points, int64_t n, uint64_t p, const int64_t *order,
                          const uint64_t *momenta, const uint64_t *polarisations,
                          uint64_t *residues, uint8_t *regular) {
    block *b = made((size_t)n - 1, order);
    if (b == NULL) return 1;
    uint64_t inverse = p;  // of p modulo 2^32, each step doubles the bits that are right
    for (int i = 0; i < 5; i++) inverse *= 2 - p * inverse;
    uint64_t power = ((uint64_t)1 << 32) % p, squared = power * power % p;
    // A bias is a multiple of p above all that a sum of 2^14 products may be below 0, and so small
    // that nothing overflows: low parts are at most p 2^15.5 each, high ones p.
    int mersenne = p == LOW_BITS;
    field f = {
        .p = all_wholes(p), .bias = all_wholes(p << (mersenne ? 24 : 30)),
        .negated_inverse = all_wholes((uint32_t)-inverse),
        .of_high = all_wholes(squared * (((uint64_t)1 << 31) % p) % p),
        .of_low = all_wholes(squared), .mersenne = mersenne,
    };
    wholes half = all_wholes((p + 1) / 2);
    for (size_t point = 0; point < (size_t)points; point += LANES) {
        begin(b, point, (size_t)points, momenta, polarisations, &f);
        wholes good = invert(b, &f);
        recurse(b, &f);
        wholes found = product(value(closed(b, &f), &f), half, &f);
        for (size_t l = 0; l < LANES && point + l < (size_t)points; l++) {
            regular[point + l] = (uint8_t)LANE(good, l);
            residues[point + l] = LANE(good, l) ? LANE(found, l) : 0;
        }
    }
    free(b);
    return 0;
}

#else

// NaN in the lanes where some k_P^2 is 0, 0 in the others.
static reals invert(block *at_hand) {
    size_t legs = at_hand->legs;
    reals one = all_lanes(1.0), zero = all_lanes(0.0), poison = zero;
    for (size_t j = 2; j <= legs; j++)
        for (size_t i = j - 1; i-- > 0;) {
            if (j - i == legs) continue;
            size_t w = at(i, j, legs);
            reals inverse = one / norm(at_hand->words[w].k, NULL);
            at_hand->inverses[w] = inverse;
            poison = fused(zero, inverse, poison);
        }
    return poison;
}

// The sum over splits and components of |2 s_P A_P, one split| |e|: what cancels in `closed`.
static reals terms(const block *at_hand) {
    size_t legs = at_hand->legs;
    reals t = all_lanes(0.0);
    for (size_t r = 1; r < legs; r++) {
        sum a[D];
        for (int m = 0; m < D; m++) a[m] = nothing();
        split_potential(a, at_hand->words + at(0, r, legs), at_hand->words + at(r, legs, legs),
                        NULL);
        for (int m = 0; m < D; m++) t = fused(size_of(a[m]), size_of(at_hand->last[m]), t);
    }
    return t;
}

INLINE int exponent_of(const block *b, size_t lane) {
    return (int)(int64_t)LANE(b->exponent, lane);
}

// amplitudes[point], and the size of what they are a sum of unless `sizes` is NULL. Returns 1
// without memory.
int32_t ym_amplitudes(int64_t points, int64_t n, const int64_t *order, const double *momenta,
                      const double *polarisations, double *amplitudes, double *sizes) {
    block *b = made((size_t)n - 1, order);
    if (b == NULL) return 1;
    reals half = all_lanes(0.5);
    for (size_t point = 0; point < (size_t)points; point += LANES) {
        begin(b, point, (size_t)points, momenta, polarisations, NULL);
        reals poison = invert(b);
        recurse(b, NULL);
        sum found = closed(b, NULL);
        size_t left = (size_t)points - point, lanes = left < LANES ? left : LANES;
#if defined(COMPLEX)
        reals re = found.re * half + poison, im = found.im * half + poison;
        for (size_t l = 0; l < lanes; l++) {
            amplitudes[2 * (point + l)] = ldexp(LANE(re, l), exponent_of(b, l));
            amplitudes[2 * (point + l) + 1] = ldexp(LANE(im, l), exponent_of(b, l));
        }
#else
        reals re = found * half + poison;
        for (size_t l = 0; l < lanes; l++)
            amplitudes[point + l] = ldexp(LANE(re, l), exponent_of(b, l));
#endif
        if (sizes != NULL) {
            reals size = terms(b) * half + poison;
            for (size_t l = 0; l < lanes; l++)
                sizes[point + l] = ldexp(LANE(size, l), exponent_of(b, l));
        }
    }
    free(b);
    return 0;
}

#endif
