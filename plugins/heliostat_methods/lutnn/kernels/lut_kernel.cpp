// Closest-centroid search and table lookup of LUT-NN (arXiv 2302.03213), for one CPU level a build.
//
// A level is what the compiler was allowed: AVX-512 with VBMI and VNNI, AVX2 with FMA, NEON, or
// plain C++. The levels share the order of all roundings, so they give the same bits:
//   score[k] = |P_k|^2/2, then for each element v in turn fma(-P_k[v], x[v], score[k]), float32;
//   the code is the k of the smallest score, scores compared without their four lowest bits, the
//   lowest k on a tie, NaN taken as +infinity; sums of table entries are whole numbers; an output
//   is float(sum) * scale + bias, rounded twice.
// The source is one file because it is compiled as one (docs/compiled.md); its parts in order:
// the layer; threads; pieces of input; scores by level; codes by level; lookups by level; entry
// points.

#include <atomic>
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <limits>
#include <thread>
#include <vector>
#if defined(__x86_64__)
#include <immintrin.h>
#elif defined(__ARM_NEON)
#include <arm_neon.h>
#endif

#if defined(__AVX512VBMI__) && defined(__AVX512VNNI__)
#define LEVEL_AVX512 1
#elif defined(__AVX2__) && defined(__FMA__)
#define LEVEL_AVX2 1
#elif defined(__ARM_NEON)
#define LEVEL_NEON 1
#else
#define LEVEL_SCALAR 1
#endif

#define INLINE inline __attribute__((always_inline))
#define UNROLL _Pragma("GCC unroll 16")

namespace {

constexpr int64_t LANES = 16;         // centroids of a codebook
constexpr int64_t TILE = 64;          // tokens searched and looked up together
constexpr int64_t OUTPUT_BLOCK = 64;  // outputs are padded to a multiple of it
constexpr int64_t SAFE_GROUPS = 64;   // groups of 4 codebooks whose sums fit into 16 bits
constexpr int64_t TILE_POSITIONS = 512;  // of a convolution's output, searched together

// The same fields as LayerView in layer_view.py.
struct Layer {
    int64_t codebooks, length, outputs;
    const float *centroids;    // [codebook][element][16]
    const float *half_norms;   // [codebook][16]
    const int8_t *rows;        // [padded outputs / 64][codebook][16][64], even outputs + 128
    const int8_t *quads;       // [padded outputs / 4][group][4 outputs][4 codebooks x 16]
    const float *scale, *bias; // [padded outputs]
    const int8_t *centroids_int8;   // [codebook][quarter][16][4], negated
    const int32_t *offsets_int8;    // [codebook][16]
    float inverse_input_scale;
    int32_t int8_search;

    int64_t groups() const { return (codebooks + 3) / 4; }
    int64_t features() const { return codebooks * length; }
    int in_group(int64_t g) const { return int(codebooks - 4 * g < 4 ? codebooks - 4 * g : 4); }
    int64_t quarters() const { return (length + 3) / 4; }
};

int64_t round_up(int64_t n, int64_t step) { return (n + step - 1) / step * step; }

// ---- threads: none of the results depends on how many there are ----

// Runs body(argument) on so many threads at a time and returns when all have: GOMP_parallel of the
// OpenMP that torch has loaded, whose threads are awake between two calls.
using Parallel = void (*)(void (*body)(void *), void *argument, unsigned threads, unsigned flags);

struct Team {
    Parallel parallel;  // null: threads are made for each call
    int64_t threads;

    void run(void (*body)(void *), void *argument) const {
        if (threads <= 1) return body(argument);
        if (parallel) return parallel(body, argument, unsigned(threads), 0);
        std::vector<std::thread> others;
        try {
            others.reserve(size_t(threads - 1));
            for (int64_t i = 1; i < threads; i++) others.emplace_back(body, argument);
        } catch (...) {}  // as many as the system gives: the blocks are those that are left
        body(argument);
        for (auto &other : others) other.join();
    }

    // Calls work(begin, end) for blocks of `size`; returns 0, or 1 where one of them returned false.
    template <class Work>
    int32_t blocks(int64_t n, int64_t size, const Work &work) const {
        struct Blocks {
            const Work &work;
            int64_t n, size;
            std::atomic<int64_t> next{0};
            std::atomic<int32_t> failed{0};
        } all{work, n, size};
        run([](void *argument) {
                auto &mine = *static_cast<Blocks *>(argument);
                for (int64_t at; (at = mine.next.fetch_add(mine.size)) < mine.n;)
                    if (!mine.work(at, at + mine.size < mine.n ? at + mine.size : mine.n))
                        mine.failed = 1;
            },
            &all);
        return all.failed;
    }
    // Blocks as equal as multiples of `step` let them be, one for each thread; at most `most` long.
    int64_t block(int64_t n, int64_t step, int64_t most) const {
        const int64_t equal = (round_up(n, threads) / threads + step - 1) / step * step;
        return equal < most ? equal : most;
    }
};

// Memory of one thread, kept from call to call.
struct Scratch {
    void *memory = nullptr;
    size_t size = 0;
    ~Scratch() { std::free(memory); }
    // Returns null where there is no memory.
    void *take(size_t bytes) {
        if (bytes > size) {
            std::free(memory);
            size = size_t(round_up(int64_t(bytes), 4096));
            memory = std::aligned_alloc(64, size);
            if (!memory) size = 0;
        }
        return memory;
    }
};

thread_local Scratch input_scratch, code_scratch;

// ---- pieces of input: element v of token t, for one codebook after the other ----

// Consecutive rows of a matrix.
struct Rows {
    const float *first;
    int64_t stride;
    INLINE const float *at(int t, int64_t v) const {
        return first + (t / 4) * (4 * stride) + (t % 4) * stride + v;
    }
    Rows codebook(int64_t c, int64_t length) const { return {first + c * length, stride}; }
    Rows from(int64_t t) const { return {first + t * stride, stride}; }
};

// 3x3 patches at consecutive positions of a padded plane, STEP apart.
template <int STEP>
struct Patches {
    const float *first;
    const int64_t *row_offsets;  // of the three rows of a patch
    int64_t plane;
    INLINE const float *at(int t, int64_t v) const {
        return first + row_offsets[v / 3] + v % 3 + STEP * t;
    }
    Patches codebook(int64_t c, int64_t) const { return {first + c * plane, row_offsets, plane}; }
    Patches from(int64_t t) const { return {first + STEP * t, row_offsets, plane}; }
};

// The same in whole steps for the int8 search: four elements at a time.
struct QuantisedRows {
    const uint8_t *first;
    int64_t stride;
    INLINE const uint8_t *at(int t, int64_t quarter) const {
        return first + t * stride + 4 * quarter;
    }
    QuantisedRows codebook(int64_t c, int64_t quarters) const {
        return {first + c * quarters * 4, stride};
    }
    QuantisedRows from(int64_t t) const { return {first + t * stride, stride}; }
};

// The fourth element belongs to no patch; its centroids are zero.
template <int STEP>
struct QuantisedPatches {
    const uint8_t *first;
    const int64_t *row_offsets;
    int64_t plane;
    INLINE const uint8_t *at(int t, int64_t quarter) const {
        return first + row_offsets[quarter] + STEP * t;
    }
    QuantisedPatches codebook(int64_t c, int64_t) const {
        return {first + c * plane, row_offsets, plane};
    }
    QuantisedPatches from(int64_t t) const { return {first + STEP * t, row_offsets, plane}; }
};

// ---- keys: whole numbers in the order of the scores, the centroid in their four lowest bits ----

constexpr int32_t KEY_OF_INFINITY = 0x7F800000;
constexpr int32_t KEY_OF_MINUS_INFINITY = int32_t(0x807FFFF0);
constexpr int32_t MAGNITUDE = 0x7FFFFFF0;

// Whether a winner says that scores of its piece were NaN, or that all were infinite.
INLINE bool strange(int32_t key) { return key < KEY_OF_MINUS_INFINITY || key >= KEY_OF_INFINITY; }

int32_t key_of(float score, int32_t k) {
    if (score != score) score = std::numeric_limits<float>::infinity();
    int32_t bits;
    std::memcpy(&bits, &score, 4);
    return ((bits ^ ((bits >> 31) & MAGNITUDE)) & ~15) | k;
}

// The code by definition, one centroid after the other.
template <class Pieces>
uint8_t defined_code(const Layer &layer, int64_t c, Pieces pieces, int t) {
    const float *centroids = layer.centroids + c * layer.length * LANES;
    int32_t best = std::numeric_limits<int32_t>::max();
    for (int32_t k = 0; k < LANES; k++) {
        float score = layer.half_norms[c * LANES + k];
        for (int64_t v = 0; v < layer.length; v++)
            score = std::fma(-centroids[v * LANES + k], *pieces.at(t, v), score);
        int32_t key = key_of(score, k);
        if (key < best) best = key;
    }
    return uint8_t(best & 15);
}

// As `defined_code`, of the int8 search.
template <class Pieces>
uint8_t defined_int8_code(const Layer &layer, int64_t c, Pieces pieces, int t) {
    const int64_t quarters = layer.quarters();
    const int8_t *centroids = layer.centroids_int8 + c * quarters * LANES * 4;
    int32_t scores[LANES], best = std::numeric_limits<int32_t>::max();
    std::memcpy(scores, layer.offsets_int8 + c * LANES, sizeof scores);
    for (int64_t quarter = 0; quarter < quarters; quarter++) {
        const uint8_t *x = pieces.at(t, quarter);
        for (int64_t k = 0; k < LANES; k++)
            for (int64_t e = 0; e < 4; e++)
                scores[k] += int32_t(x[e]) * centroids[(quarter * LANES + k) * 4 + e];
    }
    for (int32_t k = 0; k < LANES; k++) {
        int32_t key = int32_t(uint32_t(scores[k]) << 4) | k;
        if (key < best) best = key;
    }
    return uint8_t(best & 15);
}

template <class Scores, int T, class Pieces>
INLINE void subtract_element(Scores (&scores)[T], const float *centroids, Pieces pieces, int64_t v) {
    const Scores centroid = Scores::load(centroids + v * LANES);
    UNROLL for (int t = 0; t < T; t++) scores[t].subtract(centroid, pieces.at(t, v));
}

// The elements of a piece in turn; without a loop where there are few, known when this is compiled.
template <int V, class Scores, int T, class Pieces>
INLINE void subtract_products(Scores (&scores)[T], const float *centroids, Pieces pieces,
                              int64_t length) {
#if !LEVEL_SCALAR  // nothing is gained there
    if (V > 0 && V <= 16) {
        UNROLL for (int64_t v = 0; v < V; v++) subtract_element(scores, centroids, pieces, v);
    } else if (V > 0 && V % 4 == 0) {
        for (int64_t v = 0; v < V; v += 4)
            UNROLL for (int64_t i = 0; i < 4; i++)
                subtract_element(scores, centroids, pieces, v + i);
    } else
#endif
        for (int64_t v = 0; v < length; v++) subtract_element(scores, centroids, pieces, v);
}

// ---- scores of 16 centroids, by level, and the keys of the winners ----

#if LEVEL_AVX512
constexpr int TOKENS = 16;

struct Scores {
    __m512 all;
    static INLINE Scores load(const float *p) { return {_mm512_loadu_ps(p)}; }
    INLINE void subtract(Scores centroid, const float *x) {
        all = _mm512_fnmadd_ps(centroid.all, _mm512_set1_ps(*x), all);
    }
};

INLINE __m512i smaller_of_halves32(__m512i a, __m512i b) {
    return _mm512_min_epi32(_mm512_unpacklo_epi32(a, b), _mm512_unpackhi_epi32(a, b));
}
INLINE __m512i smaller_of_halves64(__m512i a, __m512i b) {
    return _mm512_min_epi32(_mm512_unpacklo_epi64(a, b), _mm512_unpackhi_epi64(a, b));
}
INLINE __m512i smaller_of_lanes(__m512i a, __m512i b) {
    return _mm512_min_epi32(_mm512_shuffle_i32x4(a, b, 0x44), _mm512_shuffle_i32x4(a, b, 0xEE));
}

// Lane t is the smallest of the 16 keys of token t.
INLINE __m512i smallest(const __m512i (&keys)[16]) {
    __m512i pairs[8], fours[4];
    UNROLL for (int i = 0; i < 8; i++) pairs[i] = smaller_of_halves32(keys[2 * i], keys[2 * i + 1]);
    UNROLL for (int i = 0; i < 4; i++)
        fours[i] = smaller_of_halves64(pairs[2 * i], pairs[2 * i + 1]);
    __m512i a = smaller_of_lanes(fours[0], fours[1]), b = smaller_of_lanes(fours[2], fours[3]);
    return _mm512_min_epi32(_mm512_shuffle_i32x4(a, b, 0x88), _mm512_shuffle_i32x4(a, b, 0xDD));
}

INLINE __m512i lane_numbers() {
    return _mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
}

// Whole numbers in the order of scores, the centroid in their four lowest bits.
INLINE __m512i keys_of(__m512 scores, __m512i centroids) {
    const __m512i low = _mm512_set1_epi32(15), magnitude = _mm512_set1_epi32(MAGNITUDE);
    __m512i bits = _mm512_castps_si512(scores);
    bits = _mm512_ternarylogic_epi32(bits, low, centroids, 0xBA);  // (bits & ~low) | centroid
    __m512i sign = _mm512_srai_epi32(bits, 31);
    return _mm512_ternarylogic_epi32(bits, sign, magnitude, 0x78);  // bits ^ (sign & magnitude)
}

template <int T>
INLINE __m512i winners(const Scores (&scores)[T]) {
    __m512i keys[16];
    UNROLL for (int t = 0; t < T; t++) keys[t] = keys_of(scores[t].all, lane_numbers());
    UNROLL for (int t = T; t < 16; t++) keys[t] = keys[0];
    return smallest(keys);
}

// The winners' keys of T tokens for codebook c.
template <int V, int T, class Pieces>
INLINE __m512i winners_of(const Layer &layer, int64_t c, Pieces pieces, int64_t length) {
    Scores scores[T];
    const Scores start = Scores::load(layer.half_norms + c * LANES);
    UNROLL for (int t = 0; t < T; t++) scores[t] = start;
    subtract_products<V>(scores, layer.centroids + c * length * LANES, pieces, length);
    return winners<T>(scores);
}

// Element v of 16 patches; they lie side by side.
INLINE __m512 element(Patches<1> patches, int64_t v) { return _mm512_loadu_ps(patches.at(0, v)); }
INLINE __m512 element(Patches<2> patches, int64_t v) {
    const __m512i even = _mm512_slli_epi32(lane_numbers(), 1);
    const float *first = patches.at(0, v);
    return _mm512_permutex2var_ps(_mm512_loadu_ps(first), even, _mm512_loadu_ps(first + 16));
}

// The same for patches: here the positions are the lanes and the centroids come one after the other.
template <int V, int T, int STEP>
INLINE __m512i winners_of(const Layer &layer, int64_t c, Patches<STEP> patches, int64_t) {
    static_assert(V == 9 && T == 16, "patches are 3x3, and searched 16 at a time");
    const float *centroids = layer.centroids + c * 9 * LANES, *norms = layer.half_norms + c * LANES;
    __m512 x[9];
    UNROLL for (int v = 0; v < 9; v++) x[v] = element(patches, v);
    __m512i best = _mm512_set1_epi32(std::numeric_limits<int32_t>::max());
    UNROLL for (int k = 0; k < 16; k += 8) {
        __m512 scores[8];
        UNROLL for (int i = 0; i < 8; i++) scores[i] = _mm512_set1_ps(norms[k + i]);
        UNROLL for (int v = 0; v < 9; v++)
            UNROLL for (int i = 0; i < 8; i++)
                scores[i] = _mm512_fnmadd_ps(_mm512_set1_ps(centroids[v * LANES + k + i]), x[v],
                                             scores[i]);
        UNROLL for (int i = 0; i < 8; i++)
            best = _mm512_min_epi32(best, keys_of(scores[i], _mm512_set1_epi32(k + i)));
    }
    return best;
}

// Codes of T tokens for the codebooks of group g, 16 j + code in byte j.
template <int V, int T, class Pieces>
INLINE void search(const Layer &layer, int64_t g, Pieces all, uint32_t *codes) {
    const int64_t length = V ? V : layer.length;
    const __m512i infinity = _mm512_set1_epi32(KEY_OF_INFINITY);
    const __m512i minus_infinity = _mm512_set1_epi32(KEY_OF_MINUS_INFINITY);
    __m512i four = _mm512_set1_epi32(0x30201000);
    for (int j = 0; j < layer.in_group(g); j++) {
        const int64_t c = 4 * g + j;
        const Pieces pieces = all.codebook(c, length);
        const __m512i key = winners_of<V, T>(layer, c, pieces, length);
        __m512i code = _mm512_and_si512(key, _mm512_set1_epi32(15));
        const __mmask16 odd = _mm512_cmplt_epi32_mask(key, minus_infinity) |
                              _mm512_cmpge_epi32_mask(key, infinity);
        if (__builtin_expect(odd != 0, 0)) {
            alignas(64) int32_t redone[16] = {};
            for (int t = 0; t < T; t++) redone[t] = defined_code(layer, c, pieces, t);
            code = _mm512_load_si512(redone);
        }
        four = _mm512_or_si512(four, _mm512_sllv_epi32(code, _mm512_set1_epi32(8 * j)));
    }
    _mm512_storeu_si512(codes, four);
}

template <int QUARTERS, int T, class Pieces>
INLINE void search_int8(const Layer &layer, int64_t g, Pieces all, uint32_t *codes) {
    const int64_t quarters = QUARTERS ? QUARTERS : layer.quarters();
    const __m512i lanes = _mm512_slli_epi32(lane_numbers(), 28);
    __m512i four = _mm512_set1_epi32(0x30201000);
    for (int j = 0; j < layer.in_group(g); j++) {
        const int64_t c = 4 * g + j;
        const Pieces pieces = all.codebook(c, quarters);
        const int8_t *centroids = layer.centroids_int8 + c * quarters * 4 * LANES;
        __m512i keys[16];
        const __m512i start = _mm512_loadu_si512(layer.offsets_int8 + c * LANES);
        UNROLL for (int t = 0; t < T; t++) keys[t] = start;
        UNROLL for (int64_t quarter = 0; quarter < quarters; quarter++) {
            const __m512i centroid = _mm512_loadu_si512(centroids + quarter * 4 * LANES);
            UNROLL for (int t = 0; t < T; t++) {
                int32_t x;
                std::memcpy(&x, pieces.at(t, quarter), 4);
                keys[t] = _mm512_dpbusd_epi32(keys[t], _mm512_set1_epi32(x), centroid);
            }
        }
        UNROLL for (int t = 0; t < T; t++) keys[t] = _mm512_shldi_epi32(keys[t], lanes, 4);
        UNROLL for (int t = T; t < 16; t++) keys[t] = keys[0];
        const __m512i code = _mm512_and_si512(smallest(keys), _mm512_set1_epi32(15));
        four = _mm512_or_si512(four, _mm512_sllv_epi32(code, _mm512_set1_epi32(8 * j)));
    }
    _mm512_storeu_si512(codes, four);
}

#else
constexpr int TOKENS = 4;

#if LEVEL_AVX2
struct Scores {
    __m256 low, high;
    static INLINE Scores load(const float *p) { return {_mm256_loadu_ps(p), _mm256_loadu_ps(p + 8)}; }
    INLINE void subtract(Scores centroid, const float *x) {
        const __m256 value = _mm256_broadcast_ss(x);
        low = _mm256_fnmadd_ps(centroid.low, value, low);
        high = _mm256_fnmadd_ps(centroid.high, value, high);
    }
};

INLINE __m256i keys_of(__m256 scores, __m256i lanes) {
    __m256i bits = _mm256_castps_si256(scores);
    bits = _mm256_or_si256(_mm256_and_si256(bits, _mm256_set1_epi32(~15)), lanes);
    const __m256i sign = _mm256_srai_epi32(bits, 31);
    return _mm256_xor_si256(bits, _mm256_and_si256(sign, _mm256_set1_epi32(MAGNITUDE)));
}

INLINE __m256i smaller_of_pairs(__m256i a, __m256i b) {
    return _mm256_min_epi32(_mm256_unpacklo_epi32(a, b), _mm256_unpackhi_epi32(a, b));
}

INLINE void winners(const Scores (&scores)[4], int32_t (&keys)[4]) {
    __m256i best[4];
    UNROLL for (int t = 0; t < 4; t++)
        best[t] = _mm256_min_epi32(
            keys_of(scores[t].low, _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7)),
            keys_of(scores[t].high, _mm256_setr_epi32(8, 9, 10, 11, 12, 13, 14, 15)));
    const __m256i a = smaller_of_pairs(best[0], best[1]), b = smaller_of_pairs(best[2], best[3]);
    const __m256i both =
        _mm256_min_epi32(_mm256_unpacklo_epi64(a, b), _mm256_unpackhi_epi64(a, b));
    const __m128i found =
        _mm_min_epi32(_mm256_castsi256_si128(both), _mm256_extracti128_si256(both, 1));
    _mm_storeu_si128(reinterpret_cast<__m128i *>(keys), found);
}

#elif LEVEL_NEON
struct Scores {
    float32x4_t part[4];
    static INLINE Scores load(const float *p) {
        return {{vld1q_f32(p), vld1q_f32(p + 4), vld1q_f32(p + 8), vld1q_f32(p + 12)}};
    }
    INLINE void subtract(const Scores &centroid, const float *x) {
        const float32x4_t value = vld1q_dup_f32(x);
        UNROLL for (int i = 0; i < 4; i++) part[i] = vfmsq_f32(part[i], centroid.part[i], value);
    }
};

INLINE void winners(const Scores (&scores)[4], int32_t (&keys)[4]) {
    static const int32_t lanes[4] = {0, 1, 2, 3};
    UNROLL for (int t = 0; t < 4; t++) {
        int32x4_t best = vdupq_n_s32(std::numeric_limits<int32_t>::max());
        UNROLL for (int i = 0; i < 4; i++) {
            int32x4_t bits = vreinterpretq_s32_f32(scores[t].part[i]);
            bits = vorrq_s32(vbicq_s32(bits, vdupq_n_s32(15)),
                             vaddq_s32(vld1q_s32(lanes), vdupq_n_s32(4 * i)));
            const int32x4_t sign = vshrq_n_s32(bits, 31);
            best = vminq_s32(best, veorq_s32(bits, vandq_s32(sign, vdupq_n_s32(MAGNITUDE))));
        }
        keys[t] = vminvq_s32(best);
    }
}

#else
struct Scores {
    float value[LANES];
    static Scores load(const float *p) {
        Scores loaded;
        std::memcpy(loaded.value, p, sizeof loaded.value);
        return loaded;
    }
    void subtract(const Scores &centroid, const float *x) {
        for (int k = 0; k < LANES; k++) value[k] = std::fma(-centroid.value[k], *x, value[k]);
    }
};

void winners(const Scores (&scores)[4], int32_t (&keys)[4]) {
    for (int t = 0; t < 4; t++) {
        keys[t] = key_of(scores[t].value[0], 0);
        for (int32_t k = 1; k < LANES; k++) {
            const int32_t key = key_of(scores[t].value[k], k);
            if (key < keys[t]) keys[t] = key;
        }
    }
}
#endif

// Codes of T tokens for the codebooks of group g, 16 j + code in byte j.
template <int V, int T, class Pieces>
INLINE void search(const Layer &layer, int64_t g, Pieces all, uint32_t *codes) {
    static_assert(T == 4);
    const int64_t length = V ? V : layer.length;
    uint32_t found[4] = {0x30201000, 0x30201000, 0x30201000, 0x30201000};
    for (int j = 0; j < layer.in_group(g); j++) {
        const int64_t c = 4 * g + j;
        const Pieces pieces = all.codebook(c, length);
        Scores scores[4];
        for (int t = 0; t < 4; t++) scores[t] = Scores::load(layer.half_norms + c * LANES);
        subtract_products<V>(scores, layer.centroids + c * length * LANES, pieces, length);
        int32_t keys[4];
        winners(scores, keys);
        for (int t = 0; t < 4; t++) {
            const bool redo = strange(keys[t]);
            const uint32_t code = redo ? defined_code(layer, c, pieces, t) : uint32_t(keys[t] & 15);
            found[t] |= code << 8 * j;
        }
    }
    std::memcpy(codes, found, sizeof found);
}

#if LEVEL_AVX2
// Sixteen centroids as four vectors; the lanes of a pair's sums stand for these.
INLINE __m256i paired_lanes(int pair) {
    const __m256i lanes = _mm256_setr_epi32(0, 1, 4, 5, 2, 3, 6, 7);
    return _mm256_add_epi32(lanes, _mm256_set1_epi32(8 * pair));
}

// Index of the centroid of the least score for T tokens.
template <int QUARTERS, int T, class Pieces>
INLINE void int8_codes(const Layer &layer, int64_t c, Pieces pieces, uint32_t (&codes)[T]) {
    const int64_t quarters = QUARTERS ? QUARTERS : layer.quarters();
    const int8_t *centroids = layer.centroids_int8 + c * quarters * 4 * LANES;
    for (int t = 0; t < T; t += 2) {
        __m256i sums[2][4] = {};
        for (int64_t quarter = 0; quarter < quarters; quarter++)
            UNROLL for (int i = 0; i < 4; i++) {
                const auto *four =
                    reinterpret_cast<const __m128i *>(centroids + quarter * 4 * LANES + 16 * i);
                const __m256i centroid = _mm256_cvtepi8_epi16(_mm_loadu_si128(four));
                UNROLL for (int u = 0; u < 2; u++) {
                    int32_t x;
                    std::memcpy(&x, pieces.at(t + u, quarter), 4);
                    const __m256i value =
                        _mm256_broadcastq_epi64(_mm_cvtepu8_epi16(_mm_cvtsi32_si128(x)));
                    sums[u][i] = _mm256_add_epi32(sums[u][i], _mm256_madd_epi16(centroid, value));
                }
            }
        UNROLL for (int u = 0; u < 2; u++) {
            __m256i best = _mm256_set1_epi32(std::numeric_limits<int32_t>::max());
            UNROLL for (int pair = 0; pair < 2; pair++) {
                const __m256i lanes = paired_lanes(pair);
                __m256i key = _mm256_hadd_epi32(sums[u][2 * pair], sums[u][2 * pair + 1]);
                key = _mm256_add_epi32(
                    key, _mm256_i32gather_epi32(layer.offsets_int8 + c * LANES, lanes, 4));
                key = _mm256_or_si256(_mm256_slli_epi32(key, 4), lanes);
                best = _mm256_min_epi32(best, key);
            }
            __m128i half =
                _mm_min_epi32(_mm256_castsi256_si128(best), _mm256_extracti128_si256(best, 1));
            half = _mm_min_epi32(half, _mm_shuffle_epi32(half, 0x4E));
            half = _mm_min_epi32(half, _mm_shuffle_epi32(half, 0xB1));
            codes[t + u] = uint32_t(_mm_cvtsi128_si32(half) & 15);
        }
    }
}
#else
template <int QUARTERS, int T, class Pieces>
void int8_codes(const Layer &layer, int64_t c, Pieces pieces, uint32_t (&codes)[T]) {
    for (int t = 0; t < T; t++) codes[t] = defined_int8_code(layer, c, pieces, t);
}
#endif

template <int QUARTERS, int T, class Pieces>
INLINE void search_int8(const Layer &layer, int64_t g, Pieces all, uint32_t *codes) {
    uint32_t found[4] = {0x30201000, 0x30201000, 0x30201000, 0x30201000}, one[4];
    for (int j = 0; j < layer.in_group(g); j++) {
        const int64_t c = 4 * g + j;
        int8_codes<QUARTERS, T>(layer, c, all.codebook(c, layer.quarters()), one);
        for (int t = 0; t < 4; t++) found[t] |= one[t] << 8 * j;
    }
    std::memcpy(codes, found, sizeof found);
}
#endif

// ---- codes of a tile: searched in steps of TOKENS ----

// Tokens beyond `count` are read, up to a whole step, and their codes written. Groups come first, so
// that the centroids of one stay in the cache for all tokens.
template <int V, int T = TOKENS, class Pieces>
void search_steps(const Layer &layer, Pieces pieces, int64_t count, uint32_t *codes,
                  int64_t stride) {
    for (int64_t g = 0; g < layer.groups(); g++)
        for (int64_t t = 0; t < count; t += T)
            search<V, T>(layer, g, pieces.from(t), codes + g * stride + t);
}

template <int QUARTERS, class Pieces>
void search_steps_int8(const Layer &layer, Pieces pieces, int64_t count, uint32_t *codes,
                       int64_t stride) {
    for (int64_t g = 0; g < layer.groups(); g++)
        for (int64_t t = 0; t < count; t += TOKENS)
            search_int8<QUARTERS, TOKENS>(layer, g, pieces.from(t), codes + g * stride + t);
}

void search_tile(const Layer &layer, Rows rows, int64_t count, uint32_t *codes) {
    switch (layer.length) {
    case 32: return search_steps<32>(layer, rows, count, codes, TILE);
    case 16: return search_steps<16>(layer, rows, count, codes, TILE);
    case 9: return search_steps<9>(layer, rows, count, codes, TILE);
    case 4: return search_steps<4>(layer, rows, count, codes, TILE);
    default: return search_steps<0>(layer, rows, count, codes, TILE);
    }
}

void search_tile_int8(const Layer &layer, QuantisedRows rows, int64_t count, uint32_t *codes) {
    switch (layer.quarters()) {
    case 8: return search_steps_int8<8>(layer, rows, count, codes, TILE);
    case 4: return search_steps_int8<4>(layer, rows, count, codes, TILE);
    default: return search_steps_int8<0>(layer, rows, count, codes, TILE);
    }
}

// Steps of an input, 0 at 128; NaN becomes 0 and what lies outside is held at the ends.
INLINE uint8_t quantised(float x, float inverse_scale) {
    float steps = x * inverse_scale;
    steps = steps > -128.0f ? steps : -128.0f;
    steps = steps < 127.0f ? steps : 127.0f;
    return uint8_t(int32_t(std::nearbyintf(steps)) + 128);
}

void quantise(const float *x, int64_t n, float inverse_scale, uint8_t *steps) {
    int64_t i = 0;
#if LEVEL_AVX512
    const __m512 inverse = _mm512_set1_ps(inverse_scale);
    const __m512 least = _mm512_set1_ps(-128.0f), most = _mm512_set1_ps(127.0f);
    for (; i + 16 <= n; i += 16) {
        __m512 value = _mm512_mul_ps(_mm512_loadu_ps(x + i), inverse);
        value = _mm512_min_ps(_mm512_max_ps(value, least), most);  // max gives `least` for NaN
        const __m512i whole = _mm512_add_epi32(_mm512_cvtps_epi32(value), _mm512_set1_epi32(128));
        _mm_storeu_si128(reinterpret_cast<__m128i *>(steps + i), _mm512_cvtepi32_epi8(whole));
    }
#endif
    for (; i < n; i++) steps[i] = quantised(x[i], inverse_scale);
}

// Rows of pieces in quarters of four; a 3x3 patch has a quarter for each of its rows.
void quantise_row(const Layer &layer, const float *x, uint8_t *steps) {
    const float inverse = layer.inverse_input_scale;
    if (layer.length % 4 == 0) return quantise(x, layer.features(), inverse, steps);
    const int64_t used = layer.length == 9 ? 3 : 4;
    for (int64_t c = 0; c < layer.codebooks; c++)
        for (int64_t v = 0; v < layer.length; v += used, steps += 4) {
            std::memset(steps, 128, 4);
            const int64_t n = layer.length - v < used ? layer.length - v : used;
            for (int64_t e = 0; e < n; e++)
                steps[e] = quantised(x[c * layer.length + v + e], inverse);
        }
}

// Codes of up to TILE rows of a matrix. Returns false where there is no memory.
bool encode_rows(const Layer &layer, const float *x, int64_t x_stride, int64_t count,
                 uint32_t *codes) {
    if (layer.int8_search) {
        const int64_t row = layer.codebooks * layer.quarters() * 4;
        auto *steps = static_cast<uint8_t *>(input_scratch.take(size_t(row * TOKENS)));
        if (!steps) return false;
        for (int64_t t = 0; t < count; t += TOKENS) {
            for (int64_t i = 0; i < TOKENS; i++)
                quantise_row(layer, x + (t + i < count ? t + i : count - 1) * x_stride,
                             steps + i * row);
            search_tile_int8(layer, QuantisedRows{steps, row}, TOKENS, codes + t);
        }
        return true;
    }
    const int64_t whole = count / TOKENS * TOKENS, width = layer.features();
    // Rows a multiple of 2 KB apart share so few places of the first cache that they drive each other
    // out: such rows are copied together, as are those of a step that is not full.
    const bool crowded = x_stride * 4 % 2048 == 0 && TOKENS > 4;
    const int64_t direct = crowded ? 0 : whole, copied_stride = width + 16;
    search_tile(layer, Rows{x, x_stride}, direct, codes);
    if (direct == count) return true;
    auto *rows = static_cast<float *>(input_scratch.take(size_t(copied_stride * TOKENS) * 4));
    if (!rows) return false;
    for (int64_t t = direct; t < count; t += TOKENS) {
        const int64_t left = count - t < TOKENS ? count - t : TOKENS;
        for (int64_t i = 0; i < round_up(left, 4); i++)
            std::memcpy(rows + i * copied_stride, x + (i < left ? t + i : count - 1) * x_stride,
                        size_t(width) * 4);
        const Rows step{rows, copied_stride};
#if LEVEL_AVX512
        switch ((left + 3) / 4) {
        case 1: search_steps<0, 4>(layer, step, 4, codes + t, TILE); continue;
        case 2: search_steps<0, 8>(layer, step, 8, codes + t, TILE); continue;
        case 3: search_steps<0, 12>(layer, step, 12, codes + t, TILE); continue;
        }
#endif
        search_tile(layer, step, TOKENS, codes + t);
    }
    return true;
}

// ---- lookups: sums of table entries, scaled ----

// Sums of rows of 64 table entries, of at most 256 rows.
#if LEVEL_AVX512 || LEVEL_AVX2
// Entries are added as 16-bit words w = low + 256 high, and their upper bytes once more by
// themselves: what is left is the sum of the lower bytes, exact modulo 2^16. Lower bytes are read
// without a sign, so the entries of even outputs are stored 128 higher, which is taken off here.
struct RowSums {
#if LEVEL_AVX512
    __m512i both = _mm512_setzero_si512(), high = _mm512_setzero_si512();
    INLINE void add(const int8_t *row) {
        const __m512i words = _mm512_loadu_si512(row);
        both = _mm512_add_epi16(both, words);
        high = _mm512_add_epi16(high, _mm512_srai_epi16(words, 8));
    }
    INLINE void store(int32_t *sums, int64_t count, bool onto) const {
        store_half(_mm512_castsi512_si256(both), _mm512_castsi512_si256(high), sums, count,
                   onto);
        store_half(_mm512_extracti64x4_epi64(both, 1), _mm512_extracti64x4_epi64(high, 1),
                   sums + 32, count, onto);
    }
#else
    __m256i both[2] = {}, high[2] = {};
    INLINE void add(const int8_t *row) {
        UNROLL for (int i = 0; i < 2; i++) {
            const __m256i words = _mm256_loadu_si256(reinterpret_cast<const __m256i *>(row) + i);
            both[i] = _mm256_add_epi16(both[i], words);
            high[i] = _mm256_add_epi16(high[i], _mm256_srai_epi16(words, 8));
        }
    }
    INLINE void store(int32_t *sums, int64_t count, bool onto) const {
        store_half(both[0], high[0], sums, count, onto);
        store_half(both[1], high[1], sums + 32, count, onto);
    }
#endif
    static INLINE void store_half(__m256i both, __m256i high, int32_t *sums, int64_t count,
                                  bool onto) {
        const __m256i raised = _mm256_set1_epi16(int16_t(128 * count));
        const __m256i low = _mm256_sub_epi16(
            _mm256_sub_epi16(both, _mm256_slli_epi16(high, 8)), raised);
        const __m256i a = _mm256_unpacklo_epi16(low, high), b = _mm256_unpackhi_epi16(low, high);
        store_eight(_mm256_castsi256_si128(a), sums, onto);
        store_eight(_mm256_castsi256_si128(b), sums + 8, onto);
        store_eight(_mm256_extracti128_si256(a, 1), sums + 16, onto);
        store_eight(_mm256_extracti128_si256(b, 1), sums + 24, onto);
    }
    static INLINE void store_eight(__m128i words, int32_t *sums, bool onto) {
        auto *place = reinterpret_cast<__m256i *>(sums);
        __m256i eight = _mm256_cvtepi16_epi32(words);
        if (onto) eight = _mm256_add_epi32(eight, _mm256_load_si256(place));
        _mm256_store_si256(place, eight);
    }
};
#elif LEVEL_NEON
struct RowSums {
    int16x8_t words[8] = {};
    INLINE void add(const int8_t *row) {
        const int8x8_t even = vreinterpret_s8_s16(vdup_n_s16(0x0080));
        UNROLL for (int i = 0; i < 8; i++)
            words[i] = vaddw_s8(words[i], veor_s8(vld1_s8(row + 8 * i), even));
    }
    INLINE void store(int32_t *sums, int64_t, bool onto) const {
        for (int i = 0; i < 64; i++) sums[i] = (onto ? sums[i] : 0) + words[i / 8][i % 8];
    }
};
#else
struct RowSums {
    int16_t words[64] = {};
    void add(const int8_t *row) {
        for (int i = 0; i < 64; i += 2) {
            words[i] = int16_t(words[i] + uint8_t(row[i]) - 128);
            words[i + 1] = int16_t(words[i + 1] + row[i + 1]);
        }
    }
    void store(int32_t *sums, int64_t, bool onto) const {
        for (int i = 0; i < 64; i++) sums[i] = (onto ? sums[i] : 0) + words[i];
    }
};
#endif

// Scaled sums of one token for 64 outputs from m on.
INLINE void look_up_block(const Layer &layer, const uint32_t *codes, int64_t stride, int64_t m,
                          float *out) {
    const int8_t *rows = layer.rows + m * layer.codebooks * LANES;
    const int64_t groups = layer.groups(), last = layer.codebooks - 4 * (groups - 1);
    alignas(64) int32_t sums[OUTPUT_BLOCK];
    for (int64_t first = 0; first < groups; first += SAFE_GROUPS) {
        const int64_t end = first + SAFE_GROUPS < groups ? first + SAFE_GROUPS : groups;
        const bool cut = end == groups && last < 4;
        const int64_t whole = cut ? end - 1 : end;
        RowSums block;
        for (int64_t g = first; g < whole; g++, rows += 4 * LANES * OUTPUT_BLOCK) {
            const uint32_t four = codes[g * stride];  // bytes of 16 j + code
            UNROLL for (int j = 0; j < 4; j++)
                block.add(rows + (four >> 8 * j & 255) * OUTPUT_BLOCK);
        }
        if (cut) {
            const uint32_t four = codes[whole * stride];
            for (int64_t j = 0; j < last; j++)
                block.add(rows + (four >> 8 * j & 255) * OUTPUT_BLOCK);
        }
        block.store(sums, 4 * (whole - first) + (cut ? last : 0), first > 0);
    }
    for (int64_t i = 0; i < OUTPUT_BLOCK; i++)
        out[i] = float(sums[i]) * layer.scale[m + i] + layer.bias[m + i];
}

// Outputs [m_begin, m_end) of tokens by rows of the tables; m_begin is a multiple of 64.
void look_up_rows(const Layer &layer, const uint32_t *codes, int64_t stride, int64_t count,
                  int64_t m_begin, int64_t m_end, float *y, int64_t y_stride) {
    for (int64_t m = m_begin; m < m_end; m += OUTPUT_BLOCK) {
        const int64_t width = m_end - m < OUTPUT_BLOCK ? m_end - m : OUTPUT_BLOCK;
        for (int64_t t = 0; t < count; t++) {
            float *out = y + t * y_stride + m;
            if (width == OUTPUT_BLOCK) {
                look_up_block(layer, codes + t, stride, m, out);
            } else {
                float block[OUTPUT_BLOCK];
                look_up_block(layer, codes + t, stride, m, block);
                std::memcpy(out, block, size_t(width) * 4);
            }
        }
    }
}

#if LEVEL_AVX512
// Sums of 4 outputs for GROUPS x 16 tokens: two instructions for 64 entries.
template <int GROUPS>
INLINE void sum_quads(const uint32_t *codes, int64_t stride, int64_t groups, const int8_t *table,
                      __m512i (&sums)[4][GROUPS]) {
    const __m512i ones = _mm512_set1_epi8(1);
    UNROLL for (int m = 0; m < 4; m++)
        UNROLL for (int i = 0; i < GROUPS; i++) sums[m][i] = _mm512_setzero_si512();
    for (int64_t g = 0; g < groups; g++, codes += stride, table += 256) {
        __m512i index[GROUPS];
        UNROLL for (int i = 0; i < GROUPS; i++) index[i] = _mm512_loadu_si512(codes + 16 * i);
        UNROLL for (int m = 0; m < 4; m++) {
            const __m512i entries = _mm512_loadu_si512(table + 64 * m);
            UNROLL for (int i = 0; i < GROUPS; i++)
                sums[m][i] = _mm512_dpbusd_epi32(
                    sums[m][i], ones, _mm512_permutexvar_epi8(index[i], entries));
        }
    }
}

INLINE __m512 scaled(__m512i sums, __m512 scale, __m512 bias) {
    return _mm512_add_ps(_mm512_mul_ps(_mm512_cvtepi32_ps(sums), scale), bias);
}

// Sums [16 outputs][64 tokens] to rows of 16 outputs.
INLINE void store_transposed(const int32_t *sums, int64_t count, __m512 scale, __m512 bias,
                             __mmask16 inside, float *y, int64_t y_stride) {
    for (int64_t t = 0; t < count; t += 4) {
        __m512i rows[4];
        UNROLL for (int q = 0; q < 4; q++) {
            auto part = [&](int lane) {
                return _mm_load_si128(
                    reinterpret_cast<const __m128i *>(sums + (4 * lane + q) * TILE + t));
            };
            __m512i row = _mm512_castsi128_si512(part(0));
            row = _mm512_mask_broadcast_i32x4(row, 0x00F0, part(1));
            row = _mm512_mask_broadcast_i32x4(row, 0x0F00, part(2));
            rows[q] = _mm512_mask_broadcast_i32x4(row, 0xF000, part(3));
        }
        const __m512i a = _mm512_unpacklo_epi32(rows[0], rows[1]);
        const __m512i b = _mm512_unpacklo_epi32(rows[2], rows[3]);
        const __m512i c = _mm512_unpackhi_epi32(rows[0], rows[1]);
        const __m512i d = _mm512_unpackhi_epi32(rows[2], rows[3]);
        const __m512i tokens[4] = {_mm512_unpacklo_epi64(a, b), _mm512_unpackhi_epi64(a, b),
                                   _mm512_unpacklo_epi64(c, d), _mm512_unpackhi_epi64(c, d)};
        UNROLL for (int i = 0; i < 4; i++)
            if (t + i < count)
                _mm512_mask_storeu_ps(y + (t + i) * y_stride, inside,
                                      scaled(tokens[i], scale, bias));
    }
}

template <int GROUPS>
void look_up_quads(const Layer &layer, const uint32_t *codes, int64_t stride, int64_t count,
                   int64_t m_begin, int64_t m_end, float *y, int64_t y_stride) {
    alignas(64) int32_t buffer[16 * TILE];
    const int64_t groups = layer.groups();
    for (int64_t m = m_begin; m < m_end; m += 16) {
        for (int64_t quad = 0; quad < 4; quad++) {
            __m512i sums[4][GROUPS];
            sum_quads<GROUPS>(codes, stride, groups, layer.quads + (m / 4 + quad) * groups * 256,
                              sums);
            UNROLL for (int i = 0; i < 4; i++)
                UNROLL for (int j = 0; j < GROUPS; j++)
                    _mm512_store_si512(buffer + (4 * quad + i) * TILE + 16 * j, sums[i][j]);
        }
        const __mmask16 inside = m_end - m >= 16 ? 0xFFFF : __mmask16((1u << (m_end - m)) - 1);
        store_transposed(buffer, count, _mm512_loadu_ps(layer.scale + m),
                         _mm512_loadu_ps(layer.bias + m), inside, y + m, y_stride);
    }
}

constexpr int64_t FEWEST_FOR_QUADS = 8;
#endif

// Outputs of up to TILE tokens.
void look_up(const Layer &layer, const uint32_t *codes, int64_t count, int64_t m_begin,
             int64_t m_end, float *y, int64_t y_stride) {
#if LEVEL_AVX512
    if (count >= FEWEST_FOR_QUADS) {
        switch ((count + 15) / 16) {
        case 1: return look_up_quads<1>(layer, codes, TILE, count, m_begin, m_end, y, y_stride);
        case 2: return look_up_quads<2>(layer, codes, TILE, count, m_begin, m_end, y, y_stride);
        case 3: return look_up_quads<3>(layer, codes, TILE, count, m_begin, m_end, y, y_stride);
        default: return look_up_quads<4>(layer, codes, TILE, count, m_begin, m_end, y, y_stride);
        }
    }
#endif
    look_up_rows(layer, codes, TILE, count, m_begin, m_end, y, y_stride);
}

// ---- 3x3 convolution: a tile of output rows at a time ----
//
// The rows of a padded image that a tile needs are copied, for each channel a plane. With steps of 2
// the even rows come first and then the odd ones, so that with rows of `step` times `wide` elements
// the patch at position p = i * wide + j of the tile begins at element step * p, for any i and j:
// consecutive positions need no list of addresses. Positions past the end of an output row are
// searched in vain and left out before the lookup.

struct Images {
    const float *x;
    int64_t batch, height, width;
    int64_t step, padding;

    int64_t output_rows() const { return (height + 2 * padding - 3) / step + 1; }
    int64_t output_width() const { return (width + 2 * padding - 3) / step + 1; }
    // With steps of 1 a row's zeros on the right are those on the left of the next one.
    int64_t wide() const {
        return step == 1 ? width + padding : (width + 2 * padding + step - 1) / step;
    }
    int64_t row() const { return wide() * step; }
};

// Where the input rows of one tile lie.
struct TilePlanes {
    int64_t rows, half_rows, plane, row_offsets[3];

    TilePlanes(const Images &images, int64_t output_rows) {
        rows = (output_rows - 1) * images.step + 3;
        half_rows = (rows + images.step - 1) / images.step;
        // A step of search reads on past the last position.
        plane = images.step * half_rows * images.row() + images.step * TOKENS + 4;
        for (int64_t i = 0; i < 3; i++)
            row_offsets[i] = (i % images.step * half_rows + i / images.step) * images.row();
    }
    // Where input row i of the tile begins.
    int64_t row_start(const Images &images, int64_t i) const {
        return (i % images.step * half_rows + i / images.step) * images.row();
    }
};

// Calls copy(source, n, place) for what lies inside the image; all else stays as it was.
template <class Copy>
void each_row(const Images &images, const TilePlanes &planes, const float *image, int64_t channels,
              int64_t first_row, Copy copy) {
    for (int64_t c = 0; c < channels; c++)
        for (int64_t i = 0; i < planes.rows; i++) {
            const int64_t h = first_row * images.step + i - images.padding;
            if (h < 0 || h >= images.height) continue;
            const int64_t place = c * planes.plane + planes.row_start(images, i) + images.padding;
            copy(image + (c * images.height + h) * images.width, images.width, place);
        }
}

// Codes of `positions` consecutive positions. Returns false where there is no memory.
template <int STEP>
bool encode_positions(const Layer &layer, const Images &images, const TilePlanes &planes,
                      const float *image, int64_t first_row, int64_t positions, uint32_t *codes,
                      int64_t stride) {
    const auto elements = size_t(layer.codebooks * planes.plane);
    if (layer.int8_search) {
        auto *steps = static_cast<uint8_t *>(input_scratch.take(elements));
        if (!steps) return false;
        std::memset(steps, 128, elements);
        each_row(images, planes, image, layer.codebooks, first_row,
                 [&](const float *source, int64_t n, int64_t place) {
                     quantise(source, n, layer.inverse_input_scale, steps + place);
                 });
        search_steps_int8<3>(layer, QuantisedPatches<STEP>{steps, planes.row_offsets, planes.plane},
                             positions, codes, stride);
        return true;
    }
    auto *values = static_cast<float *>(input_scratch.take(elements * 4));
    if (!values) return false;
    std::memset(values, 0, elements * 4);
    each_row(images, planes, image, layer.codebooks, first_row,
             [&](const float *source, int64_t n, int64_t place) {
                 std::memcpy(values + place, source, size_t(n) * 4);
             });
    search_steps<9>(layer, Patches<STEP>{values, planes.row_offsets, planes.plane}, positions, codes,
                    stride);
    return true;
}

// Moves the codes of rows of `wide` positions together, `width` of each row.
void compact(uint32_t *codes, int64_t groups, int64_t stride, int64_t rows, int64_t wide,
             int64_t width) {
    for (int64_t g = 0; g < groups; g++)
        for (int64_t i = 1; i < rows; i++)
            std::memmove(codes + g * stride + i * width, codes + g * stride + i * wide,
                         size_t(width) * 4);
}

// y[output][position] of up to TILE positions; outputs `plane` apart.
#if LEVEL_AVX512
template <int GROUPS>
void look_up_planes(const Layer &layer, const uint32_t *codes, int64_t stride, int64_t count,
                    float *y, int64_t plane) {
    const int64_t groups = layer.groups();
    for (int64_t m = 0; m < layer.outputs; m += 4) {
        __m512i sums[4][GROUPS];
        sum_quads<GROUPS>(codes, stride, groups, layer.quads + m / 4 * groups * 256, sums);
        UNROLL for (int i = 0; i < 4; i++) {
            if (m + i >= layer.outputs) break;
            const __m512 scale = _mm512_set1_ps(layer.scale[m + i]);
            const __m512 bias = _mm512_set1_ps(layer.bias[m + i]);
            UNROLL for (int j = 0; j < GROUPS; j++) {
                const int64_t left = count - 16 * j;
                const __mmask16 inside = left >= 16 ? 0xFFFF : __mmask16((1u << left) - 1);
                _mm512_mask_storeu_ps(y + (m + i) * plane + 16 * j, inside,
                                      scaled(sums[i][j], scale, bias));
            }
        }
    }
}

void look_up_planes(const Layer &layer, const uint32_t *codes, int64_t stride, int64_t count,
                    float *y, int64_t plane) {
    switch ((count + 15) / 16) {
    case 1: return look_up_planes<1>(layer, codes, stride, count, y, plane);
    case 2: return look_up_planes<2>(layer, codes, stride, count, y, plane);
    case 3: return look_up_planes<3>(layer, codes, stride, count, y, plane);
    default: return look_up_planes<4>(layer, codes, stride, count, y, plane);
    }
}
#else
void look_up_planes(const Layer &layer, const uint32_t *codes, int64_t stride, int64_t count,
                    float *y, int64_t plane) {
    float block[TILE * OUTPUT_BLOCK];
    for (int64_t m = 0; m < layer.outputs; m += OUTPUT_BLOCK) {
        const int64_t width = layer.outputs - m < OUTPUT_BLOCK ? layer.outputs - m : OUTPUT_BLOCK;
        for (int64_t t = 0; t < count; t++)
            look_up_block(layer, codes + t, stride, m, block + t * OUTPUT_BLOCK);
        for (int64_t i = 0; i < width; i++)
            for (int64_t t = 0; t < count; t++)
                y[(m + i) * plane + t] = block[t * OUTPUT_BLOCK + i];
    }
}
#endif

template <int STEP>
bool convolve(const Layer &layer, const Images &images, int64_t begin, int64_t end, float *y) {
    const int64_t height = images.output_rows(), width = images.output_width();
    const int64_t fitting = TILE_POSITIONS / width > 1 ? TILE_POSITIONS / width : 1;
    const int64_t tiles = (height + fitting - 1) / fitting, most = (height + tiles - 1) / tiles;
    // Not a power of two, so that the groups of one position do not share a place in the cache.
    const int64_t stride = round_up(most * images.wide(), 16) + 16;
    auto *codes = static_cast<uint32_t *>(code_scratch.take(size_t(layer.groups() * stride) * 4));
    if (!codes) return false;
    for (int64_t row = begin; row < end;) {
        const int64_t image = row / height, first = row % height;
        int64_t rows = height - first < end - row ? height - first : end - row;
        if (rows > most) rows = most;  // tiles of nearly equal size
        const TilePlanes planes(images, rows);
        const int64_t positions = (rows - 1) * images.wide() + width;
        const float *source = images.x + image * layer.codebooks * images.height * images.width;
        if (!encode_positions<STEP>(layer, images, planes, source, first, positions, codes, stride))
            return false;
        compact(codes, layer.groups(), stride, rows, images.wide(), width);
        float *out = y + image * layer.outputs * height * width + first * width;
        for (int64_t t = 0; t < rows * width; t += TILE)
            look_up_planes(layer, codes + t, stride, rows * width - t < TILE ? rows * width - t : TILE,
                           out + t, height * width);
        row += rows;
    }
    return true;
}

uint32_t *tile_codes(const Layer &layer) {
    return static_cast<uint32_t *>(code_scratch.take(size_t(layer.groups() * TILE) * 4));
}

// Up to TILE tokens on several threads: codes of some tokens each, then some outputs of all tokens.
// Blocks of either kind are taken in order; one of outputs waits until all codes are there.
int32_t linear_by_outputs(const Layer &layer, const float *x, int64_t x_stride, int64_t n, float *y,
                          int64_t y_stride, const Team &team) {
    uint32_t *codes = tile_codes(layer);
    if (!codes) return 1;
    const int64_t tokens = team.block(n, TOKENS, TILE), searches = (n + tokens - 1) / tokens;
    const int64_t outputs = team.block(layer.outputs, OUTPUT_BLOCK, layer.outputs);
    const int64_t sums = (layer.outputs + outputs - 1) / outputs;
    std::atomic<int64_t> searched{0};
    std::atomic<bool> failed{false};
    return team.blocks(searches + sums, 1, [&](int64_t block, int64_t) {
        if (block < searches) {
            const int64_t t = block * tokens, count = n - t < tokens ? n - t : tokens;
            if (!encode_rows(layer, x + t * x_stride, x_stride, count, codes + t)) failed = true;
            searched.fetch_add(1);
            return true;
        }
        for (int64_t tries = 0; searched.load() < searches; tries++)
            if (tries > 10000) std::this_thread::yield();  // the other was put aside by the system
        if (failed) return false;
        const int64_t m = (block - searches) * outputs, end = m + outputs;
        look_up(layer, codes, n, m, end < layer.outputs ? end : layer.outputs, y, y_stride);
        return true;
    });
}

}  // namespace

// ---- entry points: 0, or 1 where there is no memory ----

extern "C" {

// y[n][outputs] of x[n][features]; strides in elements.
int32_t lut_linear(const Layer *layer, const float *x, int64_t x_stride, int64_t n, float *y,
                   int64_t y_stride, Parallel parallel, int64_t threads) {
    const Team team{parallel, threads};
    if (threads > 1 && n <= TILE) return linear_by_outputs(*layer, x, x_stride, n, y, y_stride, team);
    return team.blocks(n, team.block(n, TOKENS, TILE), [&](int64_t begin, int64_t end) {
        uint32_t *codes = tile_codes(*layer);
        if (!codes || !encode_rows(*layer, x + begin * x_stride, x_stride, end - begin, codes))
            return false;
        look_up(*layer, codes, end - begin, 0, layer->outputs, y + begin * y_stride, y_stride);
        return true;
    });
}

// codes[n][codebooks], each below 16.
int32_t lut_encode(const Layer *layer, const float *x, int64_t x_stride, int64_t n, uint8_t *codes,
                   Parallel parallel, int64_t threads) {
    const Team team{parallel, threads};
    return team.blocks(n, team.block(n, TOKENS, TILE), [&](int64_t begin, int64_t end) {
        uint32_t *tile = tile_codes(*layer);
        if (!tile || !encode_rows(*layer, x + begin * x_stride, x_stride, end - begin, tile))
            return false;
        for (int64_t t = begin; t < end; t++)
            for (int64_t c = 0; c < layer->codebooks; c++)
                codes[t * layer->codebooks + c] =
                    reinterpret_cast<const uint8_t *>(tile + c / 4 * TILE + t - begin)[c % 4] & 15;
        return true;
    });
}

// y[batch][outputs][height'][width'] of x[batch][codebooks][height][width]; a codebook is a channel's
// patch of 3x3. `step` is 1 or 2.
int32_t lut_conv3x3(const Layer *layer, const float *x, int64_t batch, int64_t height,
                    int64_t width, int64_t step, int64_t padding, float *y, Parallel parallel,
                    int64_t threads) {
    const Images images{x, batch, height, width, step, padding};
    const Team team{parallel, threads};
    const int64_t rows = batch * images.output_rows();
    // So many blocks, a multiple of the threads, that each is about a tile; one thread takes all.
    const int64_t tiles = (rows * images.output_width() + TILE_POSITIONS - 1) / TILE_POSITIONS;
    const int64_t parts = threads <= 1 ? 1 : round_up(tiles, threads);
    return team.blocks(rows, (rows + parts - 1) / parts, [&](int64_t begin, int64_t end) {
        return step == 1 ? convolve<1>(*layer, images, begin, end, y)
                         : convolve<2>(*layer, images, begin, end, y);
    });
}
}
