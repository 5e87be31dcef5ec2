import { restoreEmail } from '../../accounts/restoreEmail.ts'
import { form, tokenField } from './forms.ts'
import { html } from './html.ts'
import { type AccountRoute, complaining, given } from './route.ts'

export const restoreEmailPage: AccountRoute = {
  url: '/account/restore-email',
  fields: ['token'],

  // The mail has no code: whoever sees this address alone can do nothing here.
  show(_parts, token, complaint) {
    const main =
      token === undefined
        ? html`<p${complaint && html` class="error" role="alert"`}>${complaint?.message ?? 'This page needs the link of the mail.'}</p>
<p>Open the whole link of the mail that told of the change. It works for 72 hours.</p>`
        : html`<p>The e-mail address of your account was changed. If it was not you who changed it, take the former
address back. All devices are signed out.</p>
${form('restore-email', tokenField(token), 'Take the former address back')}`
    return { title: 'Take your e-mail address back', main }
  },

  async carryOut(parts, visitor, fields) {
    const token = given(fields, 'token')
    await complaining(() => restoreEmail(parts, visitor, { token }))
    return {
      title: 'Your e-mail address is back',
      main: html`<p>All devices are signed out, and the account has the former address again.</p>
<p>Somebody may know your password: <a href="reset-password">set a new one</a>.</p>`,
    }
  },
}
