import type { Failure } from '../data/failure.ts'
import { texts } from '../texts/en.ts'
import { useProve } from './useProve.ts'

/** Says what went wrong: the server's sentence, then code, reason and what to do. Takes the proof that was wanted. */
export function FailureNote({ failure }: { failure: Failure | undefined }) {
  const prove = useProve()
  if (!failure) return null
  const { code, reason, recover, id, retryAfter, message } = failure
  const { codes, recovers } = texts.failure
  return (
    <div role="alert" className="failure">
      <p>
        <strong>{codes[code] ?? (message || texts.failure.heading)}</strong>
        {retryAfter !== undefined && ` ${texts.failure.retryAfter(retryAfter)}`}
      </p>
      <dl className="facts">
        {code && (
          <>
            <dt>{texts.failure.code}</dt>
            <dd>
              <a href={`#/docs/errors/${code}`} title={texts.failure.more}>
                <code>{code}</code>
              </a>
            </dd>
          </>
        )}
        {reason && (
          <>
            <dt>{texts.failure.reason}</dt>
            <dd>
              <code>{reason}</code>
            </dd>
          </>
        )}
        {recover && (
          <>
            <dt>{texts.failure.recover}</dt>
            <dd>{recovers[recover] ?? recover}</dd>
          </>
        )}
        {id && (
          <>
            <dt>{texts.failure.id}</dt>
            <dd>
              <code>{id}</code>
            </dd>
          </>
        )}
      </dl>
      {recover === 'REAUTHENTICATE' && (
        <button type="button" onClick={() => void prove(failure)}>
          {failure.mfa ? texts.stepUp.proveByFactor : texts.stepUp.prove}
        </button>
      )}
    </div>
  )
}
