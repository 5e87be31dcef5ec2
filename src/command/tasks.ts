import { auditVerify } from './auditVerify.ts'
import { block } from './block.ts'
import { createService } from './createService.ts'
import { createUser } from './createUser.ts'
import { endService } from './endService.ts'
import { importUsers } from './importUsers.ts'
import { migrate } from './migrate.ts'
import { purge } from './purge.ts'
import { resetFactors } from './resetFactors.ts'
import { restored } from './restored.ts'
import { revokeEverything } from './revokeEverything.ts'
import { revokeKey, rotateKeys } from './rotateKeys.ts'
import { services } from './services.ts'
import { setAccess } from './setAccess.ts'
import { setPassword } from './setPassword.ts'
import type { Task } from './task.ts'
import { unblock } from './unblock.ts'

/** Every task that a running server performs for the command, by name. */
export const tasks: readonly Task<never>[] = [
  migrate,
  createUser,
  importUsers,
  setAccess,
  setPassword,
  resetFactors,
  block,
  unblock,
  rotateKeys,
  revokeKey,
  revokeEverything,
  restored,
  purge,
  auditVerify,
  createService,
  endService,
  services,
]
