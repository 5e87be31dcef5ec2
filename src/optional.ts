/** A part of Annul needs packages that the app has not installed. The message says which. */
export class MissingPackagesError extends Error {
  override readonly name = 'MissingPackagesError'
}

/**
 * Loads a part that needs packages which not every app installs.
 *
 * @param purpose what needs the packages, as the subject of a sentence
 * @param packages what to install
 * @throws MissingPackagesError that says what to install, where one of the packages is missing
 */
export async function loadOptional<T>(
  purpose: string,
  packages: readonly string[],
  load: () => Promise<T>,
): Promise<T> {
  try {
    return await load()
  } catch (error) {
    if (!isMissing(error, packages)) throw error
    throw new MissingPackagesError(
      `${purpose} needs packages that are not installed: npm install ${packages.join(' ')}`,
      {
        cause: error,
      },
    )
  }
}

function isMissing(error: unknown, packages: readonly string[]): boolean {
  if (!(error instanceof Error) || !('code' in error) || error.code !== 'ERR_MODULE_NOT_FOUND') return false
  return packages.some(name => error.message.includes(`'${name}`))
}
