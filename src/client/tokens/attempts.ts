import { createQueue } from '../platform/lock.ts'
import { platform } from '../platform/platform.ts'
import { type Items, openStorage, type SessionStorage } from '../platform/storage.ts'
import { hex, parse } from '../platform/text.ts'
import { within } from '../platform/time.ts'

/**
 * Attempts: one random value for each refresh token, fixed before the token is sent and the same for everybody who
 * sends it: every retry, every tab, the page after a crash. It tells the server an honest repetition from theft.
 *
 * `name` names what an attempt is for: the token's SHA-256, or the cookie's `sessionId.generation`.
 */
export interface Attempts {
  /** Put-if-absent: what is kept under this name; if there is nothing, the given value or a new attempt. */
  claim(name: string, value?: string): Promise<string>
  find(name: string): Promise<string | undefined>
}

/** All entries are one value: nothing to clean up, nothing that grows. */
type Entries = readonly (readonly [name: string, attempt: string])[]

/** A tab that slept through more rotations than these finds its token replaced anyway. */
const keptInDatabase = 64
/** Few, because the keychains of phones hold 2 kB a value. The server itself remembers eight. */
const keptInStorage = 12
/** Old WebKits forgot to answer `open` now and then. */
const databaseMs = 5000

/**
 * In one IndexedDB transaction, which all tabs share, where there is IndexedDB. Otherwise in the given storage, where a
 * tab without locks could still overwrite another's entry between its reading and its writing.
 *
 * @param storage for where IndexedDB fails; in cookie mode memory
 * @param key the prefix of the storage's key
 */
export function openAttempts(storage: SessionStorage, key: string): Attempts {
  const apart = keepInStorage(openStorage(storage), `${key}.attempts`, storage)
  return {
    // The storage first: what was put there because the database failed must not get a rival when that works again.
    find: async name => (await apart(name)) ?? transact(name),
    async claim(name, fresh = newAttempt()) {
      return (await apart(name)) ?? (await transact(name, fresh)) ?? (await apart(name, fresh)) ?? fresh
    },
  }
}

/** 144 bits: who has copied the token cannot guess it. */
const newAttempt = () => hex(platform.crypto?.getRandomValues?.(new Uint8Array(18)) ?? new Uint8Array())
const nothing = (): undefined => undefined

/** @returns the entry; with `fresh`, the one that is there afterwards. Undefined where there is no database. */
function transact(name: string, fresh?: string): Promise<string | undefined> {
  const transaction = new Promise<string | undefined>((resolve, reject) => {
    const opening = platform.indexedDB?.open('annul', 1)
    if (!opening) return resolve(undefined)
    opening.onupgradeneeded = () => opening.result.createObjectStore('attempts')
    opening.onerror = reject
    opening.onsuccess = () => {
      const database = opening.result
      // strict: the answer to a refresh may come back before a relaxed write has reached the disk.
      const writing = database.transaction('attempts', fresh ? 'readwrite' : 'readonly', {
        durability: 'strict',
      })
      const store = writing.objectStore('attempts')
      const reading = store.get(0)
      let found: string | undefined
      reading.onsuccess = () => {
        const entries = reading.result ?? []
        found = attemptIn(entries, name) ?? fresh
        if (fresh && found === fresh) store.put(append(entries, name, fresh, keptInDatabase), 0)
      }
      writing.oncomplete = () => {
        database.close()
        resolve(found)
      }
      writing.onabort = event => {
        database.close()
        reject(event)
      }
    }
  })
  return within(databaseMs, transaction).catch(nothing)
}

function keepInStorage(items: Items, key: string, owner: object) {
  const queue = createQueue(owner)
  return (name: string, fresh?: string): Promise<string | undefined> =>
    queue(async () => {
      const entries = parse<Entries>((await items.get(key)) ?? '') ?? []
      const found = attemptIn(entries, name) ?? fresh
      if (fresh && found === fresh)
        await items.set(key, JSON.stringify(append(entries, name, fresh, keptInStorage)))
      return found
    }).catch(nothing)
}

const attemptIn = (entries: Entries, name: string) => entries.find(entry => entry[0] === name)?.[1]
const append = (entries: Entries, name: string, attempt: string, kept: number) =>
  [...entries, [name, attempt] as const].slice(-kept)
