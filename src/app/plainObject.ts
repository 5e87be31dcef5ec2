/** Whether a value is an object that a literal or JSON.parse makes: no instance of a class, such as a Date. */
export function isPlainObject(value: unknown): value is Record<string, unknown> {
  if (typeof value !== 'object' || value === null) return false
  const prototype: unknown = Object.getPrototypeOf(value)
  // Of any realm: each vm context has an Object of its own.
  return prototype === null || Object.getPrototypeOf(prototype) === null
}
