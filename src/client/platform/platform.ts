/**
 * The browser APIs that the client uses and that Node or React Native may lack. They are declared here as optional, and
 * not taken from TypeScript's DOM library, so that the compiler demands a check at every use.
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
    /** Missing in React Native, and on pages over plain http other than localhost. */
    readonly subtle?: {
      digest(algorithm: 'SHA-256', bytes: Uint8Array): Promise<ArrayBuffer>
      importKey(
        format: 'raw',
        bytes: Uint8Array | ArrayBuffer,
        algorithm: { name: 'HMAC'; hash: 'SHA-256' },
        extractable: true,
        usages: ['sign'],
      ): Promise<object>
      exportKey(format: 'jwk', key: object): Promise<{ k: string }>
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
  /** Node only: a listening channel would keep the process alive. */
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

/** Monotonic milliseconds: a device's wall clock can be hours off, and can be changed during a wait. */
export const now = (): number => (platform.performance ?? Date).now()
