import { describe, expect, it } from '@jest/globals'
import postgres from 'postgres'
import { annul, newSecret } from '../support/command.ts'
import { createPostgresDatabase, onPostgres } from '../support/database.ts'

const describePostgres = onPostgres ? describe : describe.skip

describePostgres('a command whose statement fails', () => {
  it('tells what failed, and nothing of what the statement was about', async () => {
    const url = await createPostgresDatabase()
    const client = postgres(url, { max: 1, onnotice: () => {} })
    await client.unsafe(`
      create function annul.refuse() returns trigger language plpgsql as $$ begin raise 'full' using errcode = 'P0001'; end $$;
      create trigger refuse before insert or update on annul.users for each row execute function annul.refuse()`)
    await client.end()
    const env = { DATABASE_URL: url, ANNUL_SECRET: newSecret() }
    const { status, stdout, stderr } = await annul(
      ['create-user', '--email', 'ada@example.com'],
      env,
      'correct horse battery staple\n',
    )
    expect({ status, stdout }).toEqual({ status: 1, stdout: '' })
    expect(stderr).toContain('A statement failed. (P0001)')
    expect(stderr).toMatch(/^\s+at /m)
    expect(stderr).not.toMatch(/argon2|ada@example|correct horse/)
  })
})
