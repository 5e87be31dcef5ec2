/**
 * Asks again and again until the answer is what is waited for.
 *
 * @param isThere default: whether the answer is true
 * @param patienceMs how long something may take that happens by itself, on a machine that has other things to do
 * @throws Error with the last answer, when it never is
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
