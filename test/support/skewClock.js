/*
 * For `node --import`: a process whose wall clock is wrong by CLOCK_SKEW_MS, and goes a further hour ahead at each
 * SIGUSR2. The monotonic clock stays right, as on a machine whose wall clock is set wrong.
 */

const RealDate = Date
let skewMs = Number(process.env.CLOCK_SKEW_MS)

globalThis.Date = class extends RealDate {
  constructor(...parts) {
    super(...(parts.length === 0 ? [RealDate.now() + skewMs] : parts))
  }

  static now() {
    return RealDate.now() + skewMs
  }
}

process.on('SIGUSR2', () => {
  skewMs += 3_600_000
})
