import type { MailContents, MailKind, MailText } from '../app/mails.ts'
import { renderMail, type Words } from './renderMail.ts'

const askForPassword = (site: string) =>
  `If it was not you, somebody else may know your password. Ask for a new one at ${site} now ("forgot password"): this also ends every other session.`

/** Annul's own texts, in English. The tone is plain, because forged mails are usually alarming. */
const words: Readonly<Record<MailKind, (site: string) => Words>> = {
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
  'factors-changed': site => ({
    subject: `The ways to sign in to ${site} were changed`,
    says: [
      `A second factor, a passkey or the recovery codes of your account at ${site} were changed. If it was you, all is well.`,
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
  return renderMail(words[mail.kind](mail.siteName), mail)
}
