/** One password has one spelling: "é" typed as one code point or as two (NIST SP 800-63B-4, 3.1.1.2). */
export function normalizePassword(password: string): string {
  return password.normalize('NFKC')
}
