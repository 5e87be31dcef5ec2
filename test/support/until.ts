/** How long something may take that happens by itself, on a machine that has other things to do. */
const patienceMs = 15_000

/**
 * Asks again and again until the answer is what is waited for.
 *
 * @throws Error with the last answer, when it never is
 */
export async function until<T>(ask: () => Promise<T> | T, isThere: (answer: T) => boolean): Promise<T> {
  const end = performance.now() + patienceMs
  for (;;) {
    const answer = await ask()
    if (isThere(answer)) return answer
    if (performance.now() > end) throw new Error(`Waited in vain. The last answer: ${JSON.stringify(answer)}`)
    await new Promise(resolve => setTimeout(resolve, 20))
  }
}
