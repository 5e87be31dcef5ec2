import { passwordMaxLength } from '../../passwords/policy.ts'
import { type Html, html } from './html.ts'

/* The forms of the pages. Their targets are relative: an adapter serves the pages under a path that Annul does not know. */

/** What is wrong with what was typed, told beside the field. */
export interface Complaint {
  readonly field: 'token' | 'newPassword' | 'repeated' | 'email' | 'code'
  readonly message: string
}

/** The token of the link, out of sight, or else a field for the code of the mail. */
export function tokenField(token: string | undefined, complaint?: Complaint): Html {
  if (token !== undefined) return html`<input type="hidden" name="token" value="${token}">`
  const hint = 'The 8 characters beside the link. They work in the browser in which you asked for the mail.'
  return field({
    name: 'token',
    label: 'Code of the mail',
    hint,
    complaint,
    attributes: html`type="text" autocomplete="one-time-code" autocapitalize="characters" spellcheck="false"`,
  })
}

export function passwordFields(minLength: number, complaint?: Complaint): Html {
  const attributes = html`type="password" autocomplete="new-password" minlength="${minLength}"`
  return html`${field({
    name: 'newPassword',
    label: 'New password',
    hint: `From ${minLength} to ${passwordMaxLength} characters, of any kind. Several words are easy to remember.`,
    complaint,
    attributes,
  })}
${field({ name: 'repeated', label: 'New password again', complaint, attributes })}`
}

export function emailField(complaint?: Complaint): Html {
  const attributes = html`type="email" autocomplete="email" spellcheck="false"`
  return field({ name: 'email', label: 'E-mail address of the account', complaint, attributes })
}

/** The challenge of a reset, out of sight, and a field for the code that answers it. */
export function codeFields(challenge: string, hint: string, complaint?: Complaint): Html {
  const attributes = html`type="text" autocomplete="one-time-code" autocapitalize="characters" spellcheck="false"`
  return html`<input type="hidden" name="challenge" value="${challenge}">
${field({ name: 'code', label: 'Code', hint, complaint, attributes })}`
}

/** @param target the last part of the page's path */
export function form(target: string, fields: Html, button: string): Html {
  return html`<form method="post" action="${target}">
${fields}
<button type="submit">${button}</button>
</form>`
}

function field({
  name,
  label,
  hint,
  complaint,
  attributes,
}: {
  name: Complaint['field']
  label: string
  hint?: string
  complaint: Complaint | undefined
  attributes: Html
}): Html {
  const message = complaint?.field === name ? complaint.message : undefined
  const described = [hint && `${name}-hint`, message && `${name}-error`].filter(Boolean).join(' ')
  return html`<label for="${name}">${label}</label>
<input id="${name}" name="${name}" ${attributes} required${
    described === '' ? undefined : html` aria-describedby="${described}"`
  }${message === undefined ? undefined : html` aria-invalid="true"`}>${
    hint === undefined ? undefined : html`<p class="hint" id="${name}-hint">${hint}</p>`
  }${message === undefined ? undefined : html`<p class="error" role="alert" id="${name}-error">${message}</p>`}`
}
