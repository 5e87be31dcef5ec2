import { createQueue } from '../platform/lock.ts'
import { platform } from '../platform/platform.ts'
import { type Items, openStorage, type SessionStorage } from '../platform/storage.ts'
import { hex, parse } from '../platform/text.ts'
import { within } from '../platform/time.ts'

/**
 * Attempts: one random value for each refresh token, fixed before the token is sent, and the same for each retry, each
 * tab, and the page after a crash. By the attempt the server distinguishes an honest repetition from theft.
 *
 * `name` is the refresh token's name (see StoredToken), or the name of an ended session's record.
 */
export interface Attempts {
  /** Put-if-absent: returns the value that is kept under the name; if there is none, keeps `value` or a new attempt. */
  claim(name: string, value?: string): Promise<string>
  find(name: string): Promise<string | undefined>
}

/** All entries are kept as one value of limited length, so that nothing needs a clean-up. */
type Entries = readonly (readonly [name: string, attempt: string])[]

/**
 * Keeps attempts in IndexedDB, which all tabs share, each step in one transaction. Without IndexedDB they are kept in the
 * given storage, where a tab without locks could overwrite another tab's entry between reading and writing.
 *
 * @param storage used where IndexedDB is missing or fails; in cookie mode it is memory
 * @param key the prefix of the storage's key
 */
export function openAttempts(storage: SessionStorage, key: string): Attempts {
  const apart = keepInStorage(openStorage(storage), `${key}.attempts`, storage)
  // The storage is read first: an entry that was written there while IndexedDB failed must not get a rival later.
  const find = async (name: string, fresh?: string) => (await apart(name)) ?? transact(name, fresh)
  return {
    find,
    claim: async (name, fresh = hex(platform.crypto?.getRandomValues?.(new Uint8Array(18)) as Uint8Array)) =>
      (await find(name, fresh)) ?? (await apart(name, fresh)) ?? fresh,
  }
}

/** @returns the entry; with `fresh`, the entry that is there afterwards. Undefined where there is no database. */
function transact(name: string, fresh?: string): Promise<string | undefined> {
  const transaction = new Promise<string | undefined>((resolve, reject) => {
    const opening = platform.indexedDB?.open('annul', 1)
    if (!opening) return reject()
    opening.onupgradeneeded = () => opening.result.createObjectStore('attempts')
    opening.onerror = reject
    opening.onsuccess = () => {
      const database = opening.result
      // strict: with relaxed durability the answer to a refresh may arrive before the attempt is on disk.
      const writing = database.transaction('attempts', fresh ? 'readwrite' : 'readonly', {
        durability: 'strict',
      })
      const store = writing.objectStore('attempts')
      const reading = store.get(0)
      let found: string | undefined
      reading.onsuccess = () => {
        // A tab that slept through more than 64 rotations finds its token replaced anyway.
        const [entry, changed] = findOrAdd(reading.result, name, fresh, 64)
        found = entry
        if (changed) store.put(changed, 0)
      }
      writing.oncomplete = () => resolve(found)
      writing.onabort = reject
      // Takes effect after the transaction.
      database.close()
    }
  })
  // Some old versions of WebKit sometimes never answer `open`.
  return within(5000, transaction).catch(() => undefined)
}

function keepInStorage(items: Items, key: string, owner: object) {
  const queue = createQueue(owner)
  return (name: string, fresh?: string): Promise<string | undefined> =>
    queue(async () => {
      const entries = parse<Entries>((await items.get(key)) ?? '')
      // Few, because the keychains of phones hold 2 kB for each value. The server remembers eight attempts.
      const [found, changed] = findOrAdd(entries, name, fresh, 12)
      if (changed) await items.set(key, JSON.stringify(changed))
      return found
    }).catch(() => undefined)
}

/** @returns the entry (with `fresh`, the one that is there afterwards), and all entries if they have changed */
function findOrAdd(
  entries: Entries | null | undefined,
  name: string,
  fresh: string | undefined,
  kept: number,
): [found?: string | undefined, changed?: (readonly [name: string, attempt: string])[]] {
  const known = entries ?? []
  const found = known.find(entry => entry[0] === name)?.[1]
  return found || !fresh ? [found] : [fresh, [...known, [name, fresh] as const].slice(-kept)]
}
