import { expect, it } from '@jest/globals'
import { ownName } from '../../src/command/ownName.ts'

it('The command is called as it is typed where it lies', () => {
  expect(ownName()).toBe('node dist/main.js')
  expect(ownName('/home/ada/annul/dist/command/ownName.js')).toBe('node dist/main.js')
  expect(ownName('/home/ada/app/node_modules/annul/dist/command/ownName.js')).toBe('npx annul')
  expect(ownName('C:\\app\\node_modules\\annul\\dist\\command\\ownName.js')).toBe('npx annul')
})
