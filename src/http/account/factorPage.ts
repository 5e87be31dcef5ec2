import { completeReset } from '../../accounts/completeLogin.ts'
import { AuthError, type FactorMethod } from '../../errors.ts'
import type { Parts } from '../../parts.ts'
import { readChallenge } from '../../sessions/factorChallenge.ts'
import type { DeviceVisitor } from '../../viewer.ts'
import { type Complaint, codeFields, form } from './forms.ts'
import { html } from './html.ts'
import type { AccountPage } from './layout.ts'
import { Complained, sentences } from './route.ts'

/*
 * The second step of a new password, for an account with a second factor. Without a script the page can't ask for a
 * passkey: an account that has nothing else answers with a recovery code.
 */

const title = 'Confirm the new password'

const hints = {
  both: 'The 6 digits that your authenticator app shows now, or one of your recovery codes.',
  app: 'The 6 digits that your authenticator app shows now.',
  recovery: 'One of the recovery codes that you have kept, such as 7K3M-0QZV-9XWB-T2AH. Each works once.',
} as const

/** @param asked SECOND_FACTOR_REQUIRED of `setPasswordByToken` */
export function factorPage({ details }: AuthError): AccountPage {
  return pageFor(String(details.challenge), details.methods as readonly FactorMethod[])
}

/**
 * Answers the challenge with what was typed, and sets the password.
 *
 * @throws Complained with the page for the next try, or with one that says how to begin again; AuthError
 */
export async function answerFactor(
  parts: Parts,
  visitor: DeviceVisitor,
  challenge: string,
  code: string,
): Promise<void> {
  if (code.trim() === '') throw await again(parts, challenge, 'Please fill in this field.')
  const isOfApp = /^\d{6}$/.test(code.replace(/\s/g, ''))
  const factor = isOfApp ? { totp: code } : { recoveryCode: code }
  try {
    await completeReset(parts, visitor, { challenge, factor })
  } catch (error) {
    if (!(error instanceof AuthError) || error.code !== 'BAD_USER_INPUT') throw error
    if (error.reason === 'CHALLENGE_INVALID')
      throw new Complained({ field: 'code', message: error.message }, ended)
    throw await again(parts, challenge, error.message)
  }
}

async function again(parts: Parts, challenge: string, message: string): Promise<Complained> {
  const left = await readChallenge(parts, challenge)
  if (left === undefined) return new Complained({ field: 'code', message }, ended)
  const tries = left.triesLeft === 1 ? 'One try is left.' : `${left.triesLeft} tries are left.`
  const complaint: Complaint = { field: 'code', message: `${message} ${tries}` }
  return new Complained(complaint, pageFor(challenge, left.methods, complaint))
}

function pageFor(challenge: string, methods: readonly FactorMethod[], complaint?: Complaint): AccountPage {
  const has = (method: FactorMethod) => methods.includes(method)
  const passkey = has('PASSKEY')
    ? html`<p>This page can’t ask for your passkey. To confirm with it, set the new password in the app itself.</p>`
    : undefined
  if (!has('TOTP') && !has('RECOVERY_CODE'))
    return {
      title,
      main: html`<p>Your account wants a second factor, and the password has not changed yet.</p>
${passkey ?? html`<p>All recovery codes are used up. Ask the people behind this site for help.</p>`}`,
    }
  const hint = has('TOTP') ? (has('RECOVERY_CODE') ? hints.both : hints.app) : hints.recovery
  return {
    title,
    main: html`<p>Your account wants a second factor. The new password is set when the code was right.</p>
${passkey}${form('reset-password', codeFields(challenge, hint, complaint), 'Set the password')}`,
  }
}

const ended = sentences(
  'Open the link of the mail again',
  'This confirmation has ended. It lasts for 5 minutes and 5 codes, and as long as the link. This form has set no password.',
  'Open the link of the mail once more, or ask for a new mail.',
)
