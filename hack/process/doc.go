// Package process runs the servers of the local control plane as child processes. It
// guarantees:
//
//  1. No orphans. On Linux a child dies with its parent, however the parent ends. Elsewhere
//     it dies when the parent calls Kill or Terminate.
//  2. Only by its own id. A child is signalled through the handle that started it, and never
//     by name.
//  3. Explained. What a child writes goes to a file, and an error about the child ends with
//     the last lines of that file.
package process
