/**
 * What the client uses of a browser and may not find elsewhere. Described here, and not by TypeScript's DOM library, so
 * that the compiler makes every use say what happens in Node and React Native, where these are missing.
 */
interface Platform {
  readonly document?: { readonly cookie: string }
  readonly location?: { readonly href: string; readonly hostname: string }
  readonly navigator?: { readonly locks?: WebLocks }
  readonly indexedDB?: Databases
  readonly BroadcastChannel?: new (name: string) => Channel
  readonly performance?: { now(): number }
  readonly crypto?: {
    getRandomValues?(bytes: Uint8Array): Uint8Array
    /** Not on pages over plain http, other than localhost, and not in React Native. */
    readonly subtle?: {
      digest(algorithm: 'SHA-256', bytes: Uint8Array): Promise<ArrayBuffer>
      importKey(
        format: 'raw',
        bytes: Uint8Array,
        algorithm: { name: 'HMAC'; hash: 'SHA-256' },
        extractable: false,
        usages: ['sign'],
      ): Promise<object>
      sign(algorithm: 'HMAC', key: object, bytes: Uint8Array): Promise<ArrayBuffer>
    }
  }
}

interface WebLocks {
  request(name: string, options: { signal: AbortSignal }, work: () => Promise<unknown>): Promise<unknown>
}

interface Channel {
  onmessage: ((event: { data: unknown }) => void) | null
  postMessage(message: unknown): void
  close(): void
  /** Node only: a channel that listens would keep the process alive. */
  unref?(): void
}

interface Asking<T> {
  readonly result: T
  onsuccess: (() => void) | null
  onerror: ((event: unknown) => void) | null
}

interface Databases {
  open(name: string, version: number): Asking<Database> & { onupgradeneeded: (() => void) | null }
}

interface Database {
  createObjectStore(name: string): unknown
  transaction(store: string, mode: 'readonly' | 'readwrite', options: { durability: 'strict' }): Transaction
  close(): void
}

interface Transaction {
  oncomplete: (() => void) | null
  onabort: ((event: unknown) => void) | null
  objectStore(name: string): ObjectStore
}

interface ObjectStore {
  get(key: number): Asking<[name: string, attempt: string][] | undefined>
  put(value: (readonly [name: string, attempt: string])[], key: number): unknown
}

export const platform = globalThis as unknown as Platform

/** Milliseconds that only ever go forward: a device's wall clock can be hours off, and be set while we wait. */
export const now = (): number => (platform.performance ?? Date).now()
