/* A scalar product in eight stripes: element i is added to stripe i % 8, and the stripes in order,
   so that scalar code and vectors of four or eight numbers add in the same order. */
#include <stddef.h>
#if defined(__AVX512F__) || defined(__AVX2__)
#include <immintrin.h>
#endif

double striped_dot(const double *a, const double *b, size_t n)
{
    double stripe[8] = {0}, total = 0;
    size_t i = 0;
#if defined(__AVX512F__)
    __m512d sum = _mm512_setzero_pd();
    for (; i + 8 <= n; i += 8)
        sum = _mm512_add_pd(sum, _mm512_mul_pd(_mm512_loadu_pd(a + i), _mm512_loadu_pd(b + i)));
    _mm512_storeu_pd(stripe, sum);
#elif defined(__AVX2__)
    __m256d low = _mm256_setzero_pd(), high = _mm256_setzero_pd();
    for (; i + 8 <= n; i += 8) {
        low = _mm256_add_pd(low, _mm256_mul_pd(_mm256_loadu_pd(a + i), _mm256_loadu_pd(b + i)));
        high = _mm256_add_pd(
            high, _mm256_mul_pd(_mm256_loadu_pd(a + i + 4), _mm256_loadu_pd(b + i + 4)));
    }
    _mm256_storeu_pd(stripe, low);
    _mm256_storeu_pd(stripe + 4, high);
#else
    for (; i + 8 <= n; i += 8)
        for (int j = 0; j < 8; j++)
            stripe[j] += a[i + j] * b[i + j];
#endif
    for (int j = 0; i < n; i++, j++)
        stripe[j] += a[i] * b[i];
    for (int j = 0; j < 8; j++)
        total += stripe[j];
    return total;
}

int register_bits(void)
{
#if defined(__AVX512F__)
    return 512;
#elif defined(__AVX2__)
    return 256;
#else
    return 64;
#endif
}
