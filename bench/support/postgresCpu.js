import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import postgres from 'postgres'

const ticksPerSecond = 100

/**
 * The CPU time that PostgreSQL has taken so far, all processes, in microseconds, in steps of 10 ms.
 *
 * @param url of any database of the server, which runs on this machine
 */
export async function openPostgresCpu(url) {
  const client = postgres(url, { max: 1, connection: { application_name: 'bench' } })
  const [{ data_directory: folder }] = await client`show data_directory`
  await client.end()
  const postmaster = Number(readFileSync(join(folder, 'postmaster.pid'), 'utf8').split('\n')[0])
  return () => {
    let ticks = 0
    for (const name of readdirSync('/proc')) {
      if (!/^\d+$/.test(name)) continue
      const stat = statOf(name)
      if (stat === undefined) continue
      const { parent, own, ended } = stat
      // Of processes that have ended, the postmaster keeps the sum.
      if (Number(name) === postmaster) ticks += own + ended
      else if (parent === postmaster) ticks += own
    }
    return (ticks / ticksPerSecond) * 1e6
  }
}

function statOf(pid) {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8')
    // The name of the program may hold spaces and brackets.
    const fields = text.slice(text.lastIndexOf(')') + 2).split(' ')
    const [utime, stime, cutime, cstime] = fields.slice(11, 15).map(Number)
    return { parent: Number(fields[1]), own: utime + stime, ended: cutime + cstime }
  } catch {
    return undefined
  }
}
