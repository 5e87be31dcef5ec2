/** The items of an option that takes several, separated by commas. */
export function listOption(text: string): string[] {
  return text
    .split(',')
    .map(item => item.trim())
    .filter(item => item !== '')
}
