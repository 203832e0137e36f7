//go:build !linux

package segment

import (
	"errors"
	"io/fs"

	"github.com/edsrzf/mmap-go"
)

type fileStat struct {
	file fileID
	size int64
	used int64
	mode uint32
}

func (*fileStat) check([]int) error                              { return errors.ErrUnsupported }
func (*fileStat) checkRegular() error                            { return errors.ErrUnsupported }
func mapReadOnly(int, int64) (mmap.MMap, error)                  { return nil, errors.ErrUnsupported }
func openReadOnly(string) (int, int64, error)                    { return -1, 0, errors.ErrUnsupported }
func openFile(string) (int, error)                               { return -1, errors.ErrUnsupported }
func openForeignFD(string) (int, error)                          { return -1, errors.ErrUnsupported }
func tmpfile(string) (int, error)                                { return -1, errors.ErrUnsupported }
func memfd() (int, error)                                        { return -1, errors.ErrUnsupported }
func link(int, string) error                                     { return errors.ErrUnsupported }
func seal(int) error                                             { return errors.ErrUnsupported }
func checkSeals(int) error                                       { return errors.ErrUnsupported }
func checkFS(int) error                                          { return errors.ErrUnsupported }
func chmod(int, fs.FileMode) error                               { return errors.ErrUnsupported }
func reserve(int, int64) error                                   { return errors.ErrUnsupported }
func stat(int) (fileStat, error)                                 { return fileStat{}, errors.ErrUnsupported }
func readAt(int, []byte) ([]byte, error)                         { return nil, errors.ErrUnsupported }
func claimAndMap(int, int64, func(int) error) (mmap.MMap, error) { return nil, errors.ErrUnsupported }
func unlinkFile(string, fileID) error                            { return errors.ErrUnsupported }
func (*mapping) advise(Mem) error                                { return errors.ErrUnsupported }
func random([]byte) error                                        { return errors.ErrUnsupported }
func lengthen(int, int64) error                                  { return errors.ErrUnsupported }
func writeAt(int, []byte, int64) error                           { return errors.ErrUnsupported }
func readFrom(int, []byte, int64) (int, error)                   { return 0, errors.ErrUnsupported }
func punch(int, int64, int64)                                    {}
func closeFD(int)                                                {}
