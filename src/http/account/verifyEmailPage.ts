import { verifyEmail } from '../../accounts/verifyEmail.ts'
import { form, tokenField } from './forms.ts'
import { html } from './html.ts'
import { type AccountRoute, complaining, given, sentences } from './route.ts'

export const verifyEmailPage: AccountRoute = {
  url: '/account/verify-email',
  fields: ['token'],

  show(_parts, token, complaint) {
    const asked =
      token === undefined
        ? html`<p>Type the code that stands in the mail beside the link, or open the link.</p>`
        : html`<p>Confirm that the mail with this link was sent to you.</p>`
    return {
      title: 'Confirm your e-mail address',
      main: html`${asked}
${form('verify-email', tokenField(token, complaint), 'Confirm')}`,
    }
  },

  async carryOut(parts, visitor, fields) {
    const token = given(fields, 'token')
    await complaining(() => verifyEmail(parts, visitor, { token }))
    return sentences('Your e-mail address is confirmed', 'You can close this page and sign in.')
  },
}
