import { AuthError } from '../../errors.ts'
import type { Parts } from '../../parts.ts'
import type { DeviceVisitor } from '../../viewer.ts'
import type { Complaint } from './forms.ts'
import { html } from './html.ts'
import type { AccountPage } from './layout.ts'

/** `challenge` is never typed, and so never complained about. */
export type FieldName = Complaint['field'] | 'challenge'

export type Fields = Partial<Record<FieldName, string>>

/** An address behind the links in mails. */
export interface AccountRoute {
  readonly url: string
  /** The fields that a form of the page may have. */
  readonly fields: readonly FieldName[]
  /** The page as a link opens it. Changes nothing, and asks the database nothing. @param token one of Annul's own */
  show(parts: Parts, token: string | undefined, complaint?: Complaint): AccountPage
  /** Carries out what the form asks for. @throws Complained, AuthError */
  carryOut(parts: Parts, visitor: DeviceVisitor, fields: Fields): Promise<AccountPage>
}

/**
 * Something that was typed can't be used. The page is shown again, with the complaint beside the field; or `page`, where
 * the form was not the first one of its address.
 */
export class Complained extends Error {
  override readonly name = 'Complained'
  readonly complaint: Complaint
  readonly page: AccountPage | undefined

  constructor(complaint: Complaint, page?: AccountPage) {
    super(complaint.message)
    this.complaint = complaint
    this.page = page
  }
}

/** A field that a person has left empty. @throws Complained */
export function given(fields: Fields, field: Complaint['field']): string {
  const value = fields[field]
  if (!value) throw new Complained({ field, message: 'Please fill in this field.' })
  return value
}

/**
 * Runs a verb, whose complaints about its arguments are then told beside the page's fields.
 *
 * @throws Complained, AuthError
 */
export async function complaining<T>(verb: () => Promise<T>): Promise<T> {
  try {
    return await verb()
  } catch (error) {
    if (!(error instanceof AuthError) || error.code !== 'BAD_USER_INPUT') throw error
    // The argument is a path such as `input.newPassword`.
    const argument = String(error.details.argument).split('.').at(-1)
    const field = argument === 'newPassword' || argument === 'email' ? argument : 'token'
    throw new Complained({ field, message: error.message })
  }
}

/** A page of plain sentences. */
export function sentences(title: string, ...texts: readonly string[]): AccountPage {
  return { title, main: html`${texts.map(text => html`<p>${text}</p>\n`)}` }
}
