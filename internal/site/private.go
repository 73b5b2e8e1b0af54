package site

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
)

// maxPrivate is the longest private file, in bytes. A full ring is a hundredth.
const maxPrivate = 64 << 10

// readPrivate reads a file that only its owner can read. Errors of the file system
// are wrapped.
func readPrivate(path string) ([]byte, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%s is no ordinary file", path)
	}
	if info.Mode().Perm()&0o077 != 0 {
		return nil, fmt.Errorf("others can read %s (mode %04o); chmod 600 it", path, info.Mode().Perm())
	}
	raw, err := io.ReadAll(io.LimitReader(file, maxPrivate+1))
	if err == nil && len(raw) > maxPrivate {
		err = fmt.Errorf("%s is longer than %d bytes", path, maxPrivate)
	}
	return raw, err
}

// writePrivate makes raw the content of the file at path, with mode 0600. It is
// written beside, synced and renamed: a crash leaves the old content or the new
// one.
func writePrivate(path string, raw []byte) error {
	dir := filepath.Dir(path)
	file, err := os.CreateTemp(dir, filepath.Base(path)+".*") // mode 0600
	if err != nil {
		return err
	}
	defer os.Remove(file.Name()) // gone already when all went well
	_, err = file.Write(raw)
	if err := errors.Join(err, file.Sync(), file.Close()); err != nil {
		return err
	}
	if err := os.Rename(file.Name(), path); err != nil {
		return err
	}
	// The name is on disk when the folder is.
	folder, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(folder.Sync(), folder.Close())
}
