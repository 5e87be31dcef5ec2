/** Shorter entries can't be reached: ANNUL_PASSWORD_MIN_LENGTH is at least 8. */
const shortest = 8

let loading: Promise<ReadonlySet<string>> | undefined

/**
 * How a password is compared with others: "Password" is as easy to guess as "password".
 *
 * @param text in any spelling
 */
export function fold(text: string): string {
  return text.normalize('NFKC').toLowerCase()
}

/**
 * The whole text, and the unit that it repeats if it does: "passwordpassword" is as easy to guess as "password", and
 * only as long as "password" because a rule asked for the length.
 *
 * @param folded a result of `fold`
 */
export function spellings(folded: string): readonly string[] {
  const unit = folded.slice(0, (folded + folded).indexOf(folded, 1))
  return unit === folded ? [folded] : [folded, unit]
}

/** Whether a whole password is common: a leaked password, or a word of a dictionary (NIST SP 800-63B-4, 3.1.1.2). */
export async function isCommon(password: string): Promise<boolean> {
  loading ??= load()
  const common = await loading
  return spellings(fold(password)).some(spelling => common.has(spelling))
}

/** Loaded when the first new password is checked: a process that checks none does without the 16 MB and the quarter of a second. */
async function load(): Promise<ReadonlySet<string>> {
  const languages = await Promise.all([
    import('@zxcvbn-ts/language-common'),
    import('@zxcvbn-ts/language-en'),
  ])
  const common = new Set<string>()
  for (const { dictionary } of languages)
    for (const words of Object.values(dictionary))
      for (const word of words) if (word.length >= shortest) common.add(fold(word))
  return common
}
