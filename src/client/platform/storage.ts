type Awaitable<T> = T | Promise<T>

/** localStorage, React Native's AsyncStorage, or anything with these three. */
export interface ItemStorage {
  getItem(key: string): Awaitable<string | null | undefined>
  setItem(key: string, value: string): Awaitable<unknown>
  removeItem(key: string): Awaitable<unknown>
}

/** A Map, or anything like one. */
export interface MapStorage {
  get(key: string): Awaitable<string | null | undefined>
  set(key: string, value: string): Awaitable<unknown>
  delete?(key: string): Awaitable<unknown>
  remove?(key: string): Awaitable<unknown>
}

/**
 * Keeps the refresh token and the attempts: texts under keys of letters and dots, synchronously or asynchronously. The
 * storage must be private to the app, and must last as long as the session should.
 */
export type SessionStorage = ItemStorage | MapStorage

/** The common form of every kind of storage. */
export interface Items {
  get(key: string): Promise<string | null | undefined>
  set(key: string, value: string): Promise<unknown>
  remove(key: string): Promise<unknown>
}

type Method = (...values: string[]) => Awaitable<string | null | undefined>

/** @throws TypeError when a method is missing */
export function openStorage(storage: SessionStorage): Items {
  const find = (...names: string[]) => {
    const name = names.find(name => name in storage) as 'getItem'
    if (!name) throw new TypeError(`createSession: storage without ${names[0]}`)
    // Async, so that a method that throws (localStorage when it is full) gives a rejected promise.
    return async (...values: string[]) => (storage as Record<'getItem', Method>)[name](...values)
  }
  return {
    get: find('getItem', 'get'),
    set: find('setItem', 'set'),
    remove: find('removeItem', 'delete', 'remove'),
  }
}
