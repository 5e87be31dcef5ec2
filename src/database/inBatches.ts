interface Waiting<Asked, Answer> {
  readonly asked: Asked
  readonly resolve: (answer: Answer) => void
  readonly reject: (error: unknown) => void
}

/**
 * Answers questions by one statement for all that wait at the time when it is sent. No question joins a statement in
 * flight, because its snapshot may be older than the question.
 *
 * One statement runs at a time, so that load makes batches and not queues.
 *
 * @param askAll answers the questions, in their order
 * @returns asks one question. Rejects with what `askAll` throws
 */
export function inBatches<Asked, Answer>(
  askAll: (asked: readonly Asked[]) => Promise<readonly Answer[]>,
): (asked: Asked) => Promise<Answer> {
  let waiting: Waiting<Asked, Answer>[] = []
  let isAsking = false

  const send = async () => {
    isAsking = true
    // What arrives in the same turn of the event loop shares the statement.
    await new Promise(setImmediate)
    while (waiting.length > 0) {
      const batch = waiting
      waiting = []
      try {
        const answers = await askAll(batch.map(({ asked }) => asked))
        batch.forEach(({ resolve, reject }, index) => {
          if (index < answers.length) resolve(answers[index] as Answer)
          else reject(new Error('The statement answered with too few rows.'))
        })
      } catch (error) {
        // Waiters that arrived meanwhile would wait for the same outage: all get the error at once.
        for (const { reject } of [...batch, ...waiting]) reject(error)
        waiting = []
      }
    }
    isAsking = false
  }

  return asked =>
    new Promise((resolve, reject) => {
      waiting.push({ asked, resolve, reject })
      if (!isAsking) void send()
    })
}
