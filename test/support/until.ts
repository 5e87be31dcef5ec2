/**
 * Asks again and again until the awaited answer comes.
 *
 * @param isThere default: whether the answer is true
 * @param patienceMs the longest wait, in milliseconds; long enough for a busy machine
 * @throws Error with the last answer, when the awaited one did not come
 */
export async function until<T>(
  ask: () => Promise<T> | T,
  isThere: (answer: T) => boolean = Boolean,
  patienceMs = 15_000,
): Promise<T> {
  const end = performance.now() + patienceMs
  for (;;) {
    const answer = await ask()
    if (isThere(answer)) return answer
    if (performance.now() > end) throw new Error(`Waited in vain. The last answer: ${JSON.stringify(answer)}`)
    await new Promise(resolve => setTimeout(resolve, 20))
  }
}
