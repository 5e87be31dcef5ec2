/* Medians and their intervals, without any assumption about how the noise is distributed. */

export function median(values) {
  return quantile(values, 0.5)
}

export function quantile(values, at) {
  const sorted = [...values].sort((a, b) => a - b)
  const place = (sorted.length - 1) * at
  const below = Math.floor(place)
  return sorted[below] + (place - below) * ((sorted[below + 1] ?? sorted[below]) - sorted[below])
}

/**
 * The interval of the sign test: the median of what was sampled lies between the k-th smallest and the k-th largest
 * value with at least 95 %, whatever the distribution. 15 values: the 4th and the 12th.
 */
export function medianInterval(values) {
  const sorted = [...values].sort((a, b) => a - b)
  let outside = 0
  let k = 0
  for (; k < sorted.length / 2; k++) {
    outside += 2 * chance(sorted.length, k)
    if (outside > 0.05) break
  }
  if (k === 0) return [sorted[0], sorted.at(-1)]
  return [sorted[k - 1], sorted[sorted.length - k]]
}

/** That k of n coins show heads. */
function chance(n, k) {
  let result = 0.5 ** n
  for (let i = 0; i < k; i++) result *= (n - i) / (i + 1)
  return result
}

/** Whether a median is at least the goal; undefined while its interval holds both answers. */
export function atLeast([low, high], goal) {
  return low >= goal ? true : high < goal ? false : undefined
}

/** The same for at most. */
export function atMost([low, high], goal) {
  return high <= goal ? true : low > goal ? false : undefined
}
