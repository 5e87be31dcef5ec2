#!/usr/bin/env node
import { runCommand } from './command/runCommand.ts'
import { readConfig } from './config.ts'

await runCommand(process.argv.slice(2), () => readConfig(process.env))
