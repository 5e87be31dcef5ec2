export interface TestPostgres {
  readonly port: number
  readonly url: string
  urlOf(database: string): string
  createDatabase(name: string): Promise<void>
  halt(): Promise<void>
  start(): Promise<void>
  crash(): Promise<void>
  stop(): Promise<void>
}
export function startPostgres(options?: {
  onLog?: (line: string) => void
  flags?: string[]
}): Promise<TestPostgres>
