import { requestPasswordReset } from '../../accounts/requestPasswordReset.ts'
import { setPasswordByToken } from '../../accounts/setPasswordByToken.ts'
import { AuthError } from '../../errors.ts'
import { answerFactor, factorPage } from './factorPage.ts'
import { emailField, form, passwordFields, tokenField } from './forms.ts'
import { html } from './html.ts'
import { type AccountRoute, Complained, complaining, given, sentences } from './route.ts'

/*
 * The page opens no session. Otherwise a stranger's link would sign the victim in as the stranger, and a session that no
 * client knows would live on.
 */
export const resetPasswordPage: AccountRoute = {
  url: '/account/reset-password',
  fields: ['token', 'newPassword', 'repeated', 'email', 'challenge', 'code'],

  show({ config }, token, complaint) {
    const fields = html`${tokenField(token, complaint)}
${passwordFields(config.passwordMinLength, complaint)}`
    const further =
      token === undefined
        ? html`
<h2>You have no mail, or its link has ended?</h2>
${form('reset-password', emailField(complaint), 'Ask for a new mail')}`
        : undefined
    return {
      title: 'Set a new password',
      main: html`<p>All devices that are signed in to the account are signed out.</p>
${form('reset-password', fields, 'Set the password')}${further}`,
    }
  },

  async carryOut(parts, visitor, fields) {
    if (fields.email !== undefined && fields.token === undefined) {
      const email = given(fields, 'email')
      await complaining(() => requestPasswordReset(parts, visitor, { email }))
      const { title, main } = resetPasswordPage.show(parts, undefined)
      return {
        title,
        main: html`<p role="status">If there is an account with this address, a mail is on its way to it.</p>
${main}`,
      }
    }
    if (fields.challenge !== undefined) {
      await answerFactor(parts, visitor, fields.challenge, fields.code ?? '')
      return done
    }
    const token = given(fields, 'token')
    const newPassword = given(fields, 'newPassword')
    if (newPassword !== given(fields, 'repeated'))
      throw new Complained({ field: 'repeated', message: 'The two passwords are not the same.' })
    return complaining(() => setPasswordByToken(parts, visitor, { token, newPassword })).then(
      () => done,
      error => {
        if (error instanceof AuthError && error.code === 'SECOND_FACTOR_REQUIRED') return factorPage(error)
        throw error
      },
    )
  },
}

const done = sentences(
  'Your new password is set',
  'All sessions of the account have ended, on every device. Sign in with the new password.',
)
