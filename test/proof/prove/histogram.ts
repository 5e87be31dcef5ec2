/** Each bucket is `factor` times as wide as the one before. The first one ends at `firstMs`. */
const factor = 2
const firstMs = 0.5
const widestBar = 40

/** Durations as lines of text, with their quantiles below. */
export function histogram(milliseconds: readonly number[]): string {
  if (milliseconds.length === 0) return '  none'
  const sorted = [...milliseconds].sort((one, other) => one - other)
  const longest = sorted.at(-1) ?? 0
  const lines: { name: string; count: number }[] = []
  for (let from = 0, to = firstMs; from <= longest; from = to, to *= factor) {
    const count = sorted.filter(value => value >= from && value < to).length
    lines.push({ name: `${from} to ${to} ms`, count })
  }
  const most = Math.max(...lines.map(({ count }) => count))
  const text = lines.map(({ name, count }) => {
    const bar = '█'.repeat(Math.ceil((count / most) * widestBar))
    return `  ${name.padStart(16)} ${String(count).padStart(6)} ${bar}`.trimEnd()
  })
  const quantile = (share: number) => sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))]
  return [...text, `  p50 ${quantile(0.5)} ms, p99 ${quantile(0.99)} ms, longest ${longest} ms`].join('\n')
}
