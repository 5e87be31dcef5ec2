import type { MailContents, MailKind, MailText } from '../app/mails.ts'
import { renderMail, type Words } from './renderMail.ts'

const askForPassword = (site: string) =>
  `If it was not you, somebody else may know your password. Ask for a new one at ${site} now ("forgot password"): this also ends every other session.`

/** Annul's own texts, in English. The tone is plain, because forged mails are usually alarming. */
const words: Readonly<Record<MailKind, (site: string, detail: MailContents['detail']) => Words>> = {
  'confirm-registration': site => ({
    subject: `Confirm your registration at ${site}`,
    says: [`Somebody, probably you, has registered at ${site} with this e-mail address.`],
    action: 'Confirm the address, and open the account',
    otherwise: 'If it was not you, ignore this mail. Without the link, no account is opened.',
  }),
  'address-taken': site => ({
    subject: `Your e-mail address has an account at ${site}`,
    says: [
      `Somebody, probably you, has tried to register at ${site} with this e-mail address. There is already an account with it.`,
      'Sign in with the address. If you have forgotten the password, ask for a new one there.',
    ],
    otherwise: 'If it was not you, ignore this mail. Nothing has changed.',
  }),
  'verify-email': site => ({
    subject: `Verify your e-mail address for ${site}`,
    says: [`Please verify that this e-mail address belongs to your account at ${site}.`],
    action: 'Verify the address',
    otherwise: 'If you have no account there, ignore this mail. The address stays unverified.',
  }),
  'reset-password': site => ({
    subject: `Set a new password for ${site}`,
    says: [`Somebody, probably you, has asked for a new password for your account at ${site}.`],
    action: 'Set a new password',
    otherwise:
      'If it was not you, ignore this mail. The password stays as it is. Never give the link or the code to another person.',
  }),
  'confirm-new-email': site => ({
    subject: `Confirm your new e-mail address for ${site}`,
    says: [`An account at ${site} is about to get this e-mail address.`],
    action: 'Make it the address of the account',
    otherwise: 'If it was not you, ignore this mail. Without the link, nothing changes.',
  }),
  'email-changed': site => ({
    subject: `The e-mail address of your account at ${site} was changed`,
    says: [`Your account at ${site} has another e-mail address now. If you have changed it, all is well.`],
    action: 'If it was not you, take the account back',
    otherwise:
      'The link gives the account this address again, ends all of its sessions and unsets its password. Another mail then lets you set a new one.',
  }),
  'email-restored': site => ({
    subject: `The e-mail address of your account at ${site} was changed back`,
    says: [
      `Your account at ${site} has the e-mail address again that it had before this one. All of its sessions have ended.`,
    ],
    otherwise: `If it was not you, and this address is yours, tell the people behind ${site}.`,
  }),
  'password-changed': site => ({
    subject: `Your password for ${site} was changed`,
    says: [
      `The password of your account at ${site} was changed. Other sessions have ended. If you have changed it, all is well.`,
    ],
    otherwise: askForPassword(site),
  }),
  'new-device': site => ({
    subject: `A new device has signed in to your account at ${site}`,
    says: [
      `Somebody has signed in to your account at ${site} on a device that was not seen before. If it was you, all is well.`,
    ],
    otherwise: askForPassword(site),
  }),
  'reuse-detected': site => ({
    subject: `A session of your account at ${site} was ended`,
    says: [
      `A session of your account at ${site} was used from two places, as if it had been copied. It was ended at once, and you may have to sign in again.`,
    ],
    otherwise:
      'Check your sessions, and end those that you do not know. If this happens again, a program on your device may be copying your data.',
  }),
  'factors-changed': (site, detail) => ({
    subject: `The ways to sign in to ${site} were changed`,
    says: [`${factorsChanged(site, detail)} If it was you, all is well.`],
    otherwise: askForPassword(site),
  }),
  'factors-reset': site => ({
    subject: `The second factors of your account at ${site} were removed`,
    says: [
      `The second factors, passkeys and recovery codes of your account at ${site} were removed by its operators, and all sessions have ended. If you have asked for this, sign in with your password, and add a new factor.`,
    ],
    otherwise: `If you have not asked for this, ask for a new password at ${site} now ("forgot password"), and tell the people behind ${site}.`,
  }),
  'factor-reset-begun': site => ({
    subject: `The second factors of your account at ${site} are about to be removed`,
    says: [
      `Somebody, probably you, has told the operators of ${site} that all second factors of your account are lost. At the time below they are removed, and all sessions end. Until then nothing changes.`,
    ],
    otherwise: `If it was not you, or if you have found a factor again, stop this: sign in at ${site} with a second factor or a passkey, or confirm with one where you are signed in.`,
  }),
  'second-factor-failed': site => ({
    subject: `Somebody may know your password for ${site}`,
    says: [
      `Somebody gave the right password of your account at ${site}, and then several wrong second factors. Nobody was let in. If it was you, all is well.`,
    ],
    otherwise: askForPassword(site),
  }),
  'passkey-cloned': site => ({
    subject: `A passkey of your account at ${site} was refused`,
    says: [
      `A passkey of your account at ${site} was used, and its counter was lower than before, as if there was a copy of the passkey. Nobody was let in by it.`,
    ],
    otherwise: `If it was not you, remove the passkey at ${site}, and add a new one. If it was you, the device that keeps the passkey may be faulty.`,
  }),
  'account-deleted': site => ({
    subject: `Your account at ${site} was deleted`,
    says: [`Your account at ${site} was deleted, and all of its sessions have ended.`],
    otherwise: `If it was not you, tell the people behind ${site}.`,
  }),
  'account-recovered': site => ({
    subject: `Your account at ${site} was recovered`,
    says: [
      `Your account at ${site} was recovered by its operators. Its sessions have ended, and its password and second factors are unset.`,
    ],
    action: 'Set a new password',
    otherwise: `If you have not asked for this, tell the people behind ${site}.`,
  }),
}

/** Annul's own text of a mail. */
export function ownText(mail: MailContents): MailText {
  return renderMail(words[mail.kind](mail.siteName, mail.detail), mail)
}

/** @param detail as queueSecurityMail's callers give it */
function factorsChanged(site: string, { change, factor }: MailContents['detail']): string {
  const account = `your account at ${site}`
  if (change === 'NEW_CODES')
    return `New recovery codes were made for ${account}. The former ones no longer work.`
  const name = nameOfFactor(factor)
  if (name !== undefined && change === 'ADDED') return `${name} added to ${account}.`
  if (name !== undefined && change === 'REMOVED') return `${name} removed from ${account}.`
  return `A second factor, a passkey or the recovery codes of ${account} were changed.`
}

/** With the verb, in the number of the noun. The user's own name for a factor is left out: a thief may have chosen it. */
function nameOfFactor(kind: string | null | undefined): string | undefined {
  if (kind === 'TOTP') return 'An authenticator app was'
  if (kind === 'PASSKEY') return 'A passkey was'
  return kind === 'RECOVERY_CODE' ? 'The recovery codes were' : undefined
}
