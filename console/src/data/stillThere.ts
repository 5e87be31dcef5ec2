import { ask } from './ask.ts'

/**
 * Looks whether the server can answer: asks a field that needs the database and a live session. A refusal is an answer,
 * too. A failure is noted as an outage, and an answer as its end.
 */
export async function lookIfStillThere(signal?: AbortSignal): Promise<void> {
  await ask('query StillThere { sessions { id } }', {}, signal).catch(() => {})
}
